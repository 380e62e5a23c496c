/** Runs a program to its end and hands back what it printed, for checks that look at it. */
import { execFile } from "node:child_process";

export interface Captured {
  readonly stdout: string;
  readonly stderr: string;
}

export interface CaptureOptions {
  readonly cwd: string;
  /** Added to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this the program is killed, ms. @default 300_000 */
  readonly timeoutMs?: number;
}

/** @throws Error with everything the program printed, when it fails, is killed or cannot be started */
export function runCaptured(command: string, args: readonly string[], options: CaptureOptions): Promise<Captured> {
  const { cwd, env, timeoutMs = 300_000 } = options;
  return new Promise((resolve, reject) => {
    const settings = { cwd, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 };
    execFile(command, args, settings, (error, stdout, stderr) => {
      if (error === null) {
        resolve({ stdout, stderr });
        return;
      }
      const how = error.killed === true ? `was killed after ${timeoutMs} ms` : `failed (${error.code ?? error.signal})`;
      reject(new Error(`${[command, ...args].join(" ")} ${how}\n${stdout}${stderr}`, { cause: error }));
    });
  });
}
