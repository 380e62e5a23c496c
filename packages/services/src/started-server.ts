/** A server process that can be ended and started again in its place, by several callers at once. */
import type { ChildProcess } from "node:child_process";
import { isRunning, killAll, shutDown, withStartRetries } from "./server-process.ts";

export interface StartedServerOptions {
  readonly launch: () => Promise<ChildProcess>;
  /** Each is given its time; SIGKILL follows. */
  readonly stopSignals: readonly NodeJS.Signals[];
}

export class StartedServer {
  readonly #options: StartedServerOptions;
  #child: ChildProcess;
  #restarting: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor(child: ChildProcess, options: StartedServerOptions) {
    this.#child = child;
    this.#options = options;
  }

  isRunning(): boolean {
    return isRunning(this.#child);
  }

  /** In good order. One at a time. */
  restart(): Promise<void> {
    const { launch, stopSignals } = this.#options;
    const restarted = this.#restarting.then(async () => {
      if (this.#ended !== undefined) throw new Error("the server was stopped for good");
      await shutDown(this.#child, stopSignals);
      this.#child = await withStartRetries(launch);
    });
    this.#restarting = restarted.catch(() => {});
    return restarted;
  }

  kill(): Promise<void> {
    return killAll(this.#child);
  }

  async pause(): Promise<void> {
    this.#child.kill("SIGSTOP");
  }

  async resume(): Promise<void> {
    this.#child.kill("SIGCONT");
  }

  /**
   * For good; what a restart under way starts ends too. Calling it twice is harmless.
   * @param how "at once" when nobody needs its data any more
   */
  end(how: "in good order" | "at once"): Promise<void> {
    return (this.#ended ??= this.#restarting.then(() =>
      how === "at once" ? this.kill() : shutDown(this.#child, this.#options.stopSignals),
    ));
  }
}
