import type { JsonObject } from "@mcp-task-store/core";
import { GrowingProgress } from "./growing-progress.ts";
import type { Elicits, ToolContext, ToolProgress } from "./tool-context.ts";

/** What a call gives the tool that runs within it. */
export interface DirectCall {
  readonly signal: AbortSignal;
  readonly elicit: Elicits["elicit"];
  readonly prepared: JsonObject | undefined;
  /** Tells the client; undefined: it does not want to know. */
  readonly tell: ((progress: ToolProgress) => Promise<void>) | undefined;
}

/** What a tool has that runs within its request, without a task. */
export class DirectContext implements ToolContext<JsonObject | undefined> {
  readonly attempt = 1;
  readonly prepared: JsonObject | undefined;
  readonly signal: AbortSignal;
  readonly elicit: Elicits["elicit"];
  readonly #tell: DirectCall["tell"];
  readonly #progress = new GrowingProgress();

  constructor({ signal, elicit, prepared, tell }: DirectCall) {
    this.signal = signal;
    this.elicit = elicit;
    this.prepared = prepared;
    this.#tell = tell;
  }

  readonly updateStatus = async (message: string): Promise<void> => {
    await this.#notify(this.#progress.status(message));
  };

  readonly reportProgress = async (progress: ToolProgress): Promise<void> => {
    await this.#notify(this.#progress.amount(progress));
  };

  /** A client that is gone is no fault of the tool. */
  async #notify(progress: ToolProgress | undefined): Promise<void> {
    if (progress !== undefined) await this.#tell?.(progress).catch(() => undefined);
  }
}
