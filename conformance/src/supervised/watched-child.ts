import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { GROUND_MS, longestPlayMs } from "../run.ts";
import type { Timing } from "../timing.ts";
import { isFromTarget } from "./heard.ts";
import { CLOSE_MS } from "../trouble-ending.ts";
import type { FromTarget, ToTarget } from "./messages.ts";

export interface ChildOptions {
  /** Variables that the process gets besides those of this one. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** For how long its event loop may stand still, once the target file is loaded. @default 20_000 */
  readonly stallMs?: number | undefined;
  /**
   * For how long it may play without news of any rule. @default as long as a rule may take at most, with what the kit
   * does around it
   */
  readonly quietMs?: number | undefined;
  /** How long the target file may take to load. @default 60_000 */
  readonly loadMs?: number | undefined;
  /** Told once of each process that takes long to load it: a sixth of `loadMs`. @param ms how long it took so far */
  readonly onSlowLoad?: ((ms: number) => void) | undefined;
  /** How long it may take to close, after everything is played. @default 60_000 */
  readonly closeMs?: number | undefined;
}

/** For a namespace to open, for its handles, and for calibration, each of which has a limit of its own, and for closing. */
const UNCALIBRATED_MS = 4 * GROUND_MS;

/** How long a process may play without news, at the longest: a rule at its limit, replayed, between others that close. */
function quietMs(timing: Timing): number {
  return UNCALIBRATED_MS + 2 * longestPlayMs(timing);
}

/** Counts its own turns, so that a machine that slept does not blame the process. */
const TICK_MS = 250;

/** The share of its time after which a file is said to take long to load. */
const SLOW = 6;

/** Beside this module in the sources and in the build, with this module's ending. */
const ENTRY: URL = new URL(`./play-child${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

/** A process of a target, watched: it may exit, hang or die at any time. */
export class WatchedChild {
  readonly #child: ChildProcess;
  readonly #limits: { readonly stallMs: number; readonly loadMs: number; readonly closeMs: number };
  readonly #ended: Promise<string | undefined>;
  #stage: "loading" | "playing" | "closing" = "loading";
  #reason: string | undefined;
  #neverLoads = false;
  #quietMs: number | undefined;

  constructor(file: string, options: ChildOptions, listener: (message: FromTarget) => void) {
    this.#limits = {
      stallMs: options.stallMs ?? 20_000,
      loadMs: options.loadMs ?? 60_000,
      closeMs: options.closeMs ?? CLOSE_MS,
    };
    this.#quietMs = options.quietMs;
    // What the target prints is no part of the report.
    this.#child = fork(fileURLToPath(ENTRY), [], {
      stdio: ["ignore", 2, 2, "ipc"],
      env: { ...process.env, ...options.env },
    });
    this.#ended = this.#watched(listener, options.onSlowLoad);
    this.#tell({ type: "load", file });
  }

  play(order: Extract<ToTarget, { type: "play" }>): void {
    this.#stage = "playing";
    this.#tell(order);
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** When it is gone. @returns why it ended early, or why it had to be ended; undefined: as it should */
  ended(): Promise<string | undefined> {
    return this.#ended;
  }

  /** It is gone, and another would not get further either: its file throws, or takes too long to load. */
  get neverLoads(): boolean {
    return this.#neverLoads;
  }

  #tell(message: ToTarget): void {
    // The process may be gone already; its end says so.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #watched(
    listener: (message: FromTarget) => void,
    onSlowLoad: ChildOptions["onSlowLoad"],
  ): Promise<string | undefined> {
    const child = this.#child;
    let silentMs = 0;
    let stageMs = 0;
    let newsMs = 0;
    let slow = false;
    const ticks = setInterval(() => {
      silentMs += TICK_MS;
      stageMs += TICK_MS;
      newsMs += TICK_MS;
      if (this.#stage === "loading" && !slow && stageMs >= this.#limits.loadMs / SLOW) {
        slow = true;
        onSlowLoad?.(stageMs);
      }
      const late = this.#late(silentMs, stageMs, newsMs);
      if (late === undefined) return;
      this.#reason ??= late;
      this.#neverLoads ||= this.#stage === "loading";
      child.kill("SIGKILL");
    }, TICK_MS);
    child.on("message", (message: unknown) => {
      if (!isFromTarget(message)) return;
      silentMs = 0;
      if (message.type !== "alive") newsMs = 0;
      if (message.type === "calibrated") this.#quietMs ??= quietMs(message.timing);
      if (message.type === "dying" || message.type === "not-loaded") this.#reason ??= message.reason;
      if (message.type === "not-loaded") this.#neverLoads = true;
      if (message.type === "loaded" || message.type === "done") stageMs = 0;
      if (message.type === "done") this.#stage = "closing";
      listener(message);
    });
    return new Promise((resolve) => {
      const gone = (reason: string | undefined): void => {
        clearInterval(ticks);
        resolve(this.#reason ?? reason);
      };
      child.once("error", (error) => gone(`it could not be started: ${error.message}`));
      child.once("exit", (code, signal) => {
        const well = (): boolean => this.#stage === "closing" && code === 0;
        const how = signal === null ? `it ended itself with exit code ${code}` : `it was ended by ${signal}`;
        // What it said last may still be on its way.
        const heard = (): void => gone(well() ? undefined : how);
        if (child.connected) child.once("disconnect", heard);
        else setImmediate(heard);
      });
    });
  }

  #late(silentMs: number, stageMs: number, newsMs: number): string | undefined {
    const { stallMs, loadMs, closeMs } = this.#limits;
    const quiet = this.#quietMs ?? UNCALIBRATED_MS;
    // Loading stands in the way of everything else, the process's own start too.
    if (this.#stage === "loading") return stageMs >= loadMs ? `after ${loadMs} ms it was still loading` : undefined;
    if (silentMs >= stallMs) return `its event loop stood still for ${stallMs} ms, as in an endless loop`;
    if (this.#stage === "playing" && newsMs >= quiet) return `no rule began or ended for ${quiet} ms`;
    if (this.#stage === "closing" && stageMs >= closeMs) return `it did not close within ${closeMs} ms`;
    return undefined;
  }
}
