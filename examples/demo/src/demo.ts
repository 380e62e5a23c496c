/** `pnpm demo`: shows through MCP what the stores promise, on a real server, and ends with what held. */
import { constants } from "node:os";
import type { Claim } from "./claims.ts";
import { type DemoOptions, HELP, readCommandLine } from "./command-line.ts";
import { Printer, seconds } from "./printer.ts";
import { runDemo } from "./run-demo.ts";
import { asError } from "./within.ts";

/** A deadline for all of it: the acts have shorter ones of their own. */
const LONGEST_MS = 600_000;
/** How long handles may stay open after the end before they are a fault. */
const LINGER_MS = 5_000;

/** Whoever runs the demo wants it to end. */
class Stopped extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

const printer = new Printer(process.stdout);
const stop = new AbortController();

function stopWith(reason: Stopped): void {
  // The second time in earnest: what must not stay is removed in "exit" handlers and by the server's watchdog.
  if (stop.signal.aborted) process.exit(reason.exitCode);
  stop.abort(reason);
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    printer.event(`${name}: taking everything down …`);
    stopWith(new Stopped(name, 128 + constants.signals[name]));
  });
}
// Whoever read the output is gone. (It says so at every line.)
process.stdout.on("error", () => {
  if (!stop.signal.aborted) stopWith(new Stopped("the output was closed", 1));
});
// A fault that nobody waits for, also one of the kit. Everything is taken down first, as the reader would expect.
process.on("uncaughtException", (error) => {
  if (stop.signal.aborted) return;
  printer.event(printer.style("red", `nobody caught this: ${error.stack}`));
  stopWith(new Stopped(error.message, 1));
});
setTimeout(() => stopWith(new Stopped(`it took longer than ${LONGEST_MS / 1000} s`, 1)), LONGEST_MS).unref();

process.exitCode = await main();
// Nothing keeps a process alive that has closed all it opened.
setTimeout(() => {
  const kinds = new Set(process.getActiveResourcesInfo());
  console.error(`demo: something was left open that keeps this process alive, of the kinds ${[...kinds].join(", ")}`);
  process.exit(1);
}, LINGER_MS).unref();

async function main(): Promise<number> {
  const options = readOptions();
  return typeof options === "number" ? options : await run(options);
}

/** @returns the options, or the exit code when there is nothing to run */
function readOptions(): DemoOptions | number {
  try {
    const options = readCommandLine(process.argv.slice(2));
    if (options !== "help") return options;
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    console.error(`${asError(error).message}\n\n${HELP}`);
    return 2;
  }
}

async function run(options: DemoOptions): Promise<number> {
  const startedMs = performance.now();
  printer.line(printer.style("bold", "mcp-task-store demo"));
  try {
    const claims = await runDemo(options, printer, stop.signal);
    return summarize(claims, options, performance.now() - startedMs);
  } catch (error) {
    const { message, stack = "" } = asError(error);
    if (!(error instanceof Stopped)) {
      printer.line(printer.style("red", `The demo could not run: ${message}`));
      printer.line(printer.style("dim", stack.slice(stack.indexOf("\n    at ") + 1)));
      return 1;
    }
    printer.line(`Stopped before its end (${message}); everything was taken down.`);
    // The kit cannot be called off, and its server is gone.
    process.exit(error.exitCode);
  }
}

function summarize(claims: readonly Claim[], { backend, seed }: DemoOptions, tookMs: number): number {
  const width = Math.max(...claims.map(({ text }) => text.length));
  printer.heading(`Summary: ${backend}, seed ${seed}, ${seconds(tookMs)}`);
  for (const { text, holds, figure, lookAt } of claims) {
    const mark = holds ? printer.style("green", "✓") : printer.style("red", "✗");
    printer.line(`${mark} ${text.padEnd(width)}  ${printer.style("dim", figure)}`);
    if (!holds) printer.line(printer.style("red", `  look at: ${lookAt}`));
  }
  const broken = claims.filter(({ holds }) => !holds).length;
  if (broken === 0) {
    printer.line(`All ${claims.length} claims held.`);
    return 0;
  }
  printer.line(
    `${broken} of ${claims.length} claims did not hold; again with: pnpm demo --backend ${backend} --seed ${seed}`,
  );
  return 1;
}
