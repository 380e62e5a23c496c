/** A program of this folder as a process of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { basename, resolve } from "node:path";
import { createInterface } from "node:readline";

/** How long the shows wait for anything: only what hangs runs into it. */
export const PATIENCE_MS = 60_000;
/** A program that was asked to end is killed then. */
const END_MS = 30_000;

/** Processes that run, so that none outlives this one, however it ends. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Child implements AsyncDisposable {
  readonly name: string;
  /** What it wrote to stdout and stderr. */
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #gone: Promise<string>;
  readonly #onLine = new Set<() => void>();

  /** @param program relative to src, or absolute */
  constructor(program: string, environment: Readonly<Record<string, string>>, args: readonly string[] = []) {
    this.name = basename(program);
    // In the environment, not in the arguments: those are everybody's to read.
    this.#process = fork(resolve(import.meta.dirname, "..", program), args, {
      env: { ...process.env, NODE_OPTIONS: "", ...environment },
      stdio: ["pipe", "pipe", "pipe", "ipc"],
    });
    running.add(this.#process);
    // What ends while it is written to says so by its end.
    this.#process.stdin?.on("error", () => undefined);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => this.#take(line));
    }
    this.#gone = once(this.#process, "exit").then(([code, signal]: readonly unknown[]) => {
      running.delete(this.#process);
      this.#take(`ended: ${String(signal ?? code)}`);
      return String(signal ?? code);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#process.on("message", listener);
  }

  /** Writes a line to its stdin. */
  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** How it ends by itself: its exit code, or the signal. */
  get ended(): Promise<string> {
    return this.#gone;
  }

  /**
   * The first line that matches, as soon as it is there.
   * @throws Error with what the program wrote, when it ends first or takes too long
   */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const timeout = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const found = this.lines.map((line) => pattern.exec(line)).find((match) => match !== null);
      if (found !== undefined && found !== null) return found;
      if (!this.isAlive || timeout.aborted) {
        throw new Error(`${this.name} did not write ${pattern}, but:\n${this.lines.join("\n")}`);
      }
      await new Promise<void>((resolve) => {
        const onLine = (): void => {
          this.#onLine.delete(onLine);
          resolve();
        };
        this.#onLine.add(onLine);
        timeout.addEventListener("abort", onLine, { once: true });
      });
    }
  }

  /** Asks it to end, by SIGTERM. @returns its exit code, or the signal that it took to end it */
  async end(): Promise<string> {
    if (!this.isAlive) return await this.#gone;
    this.#process.kill("SIGTERM");
    const force = setTimeout(() => this.#process.kill("SIGKILL"), END_MS);
    return await this.#gone.finally(() => clearTimeout(force));
  }

  /** Without warning, in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #take(line: string): void {
    this.lines.push(line);
    for (const listener of this.#onLine) listener();
  }
}
