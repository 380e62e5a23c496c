import type { JsonObject } from "@mcp-task-store/core";
import type { ServerContext } from "@modelcontextprotocol/server";
import type { InputRounds } from "../input-rounds.ts";
import type { Elicits, ToolContext, ToolProgress } from "../tool-context.ts";

/** What a tool has that runs within its request, for a client without tasks. */
export class DirectContext implements ToolContext<JsonObject | undefined> {
  readonly attempt = 1;
  readonly prepared: JsonObject | undefined;
  readonly signal: AbortSignal;
  readonly elicit: Elicits["elicit"];
  readonly #request: ServerContext["mcpReq"];
  #progress = Number.NEGATIVE_INFINITY;
  #statuses = 0;

  constructor(request: ServerContext["mcpReq"], rounds: InputRounds, prepared: JsonObject | undefined) {
    this.#request = request;
    this.signal = request.signal;
    this.elicit = rounds.elicit;
    this.prepared = prepared;
  }

  readonly updateStatus = async (message: string): Promise<void> => {
    // Progress has to grow, and a status says no amount: statuses count themselves until the tool says amounts.
    if (this.#progress !== Number.NEGATIVE_INFINITY) return;
    this.#statuses += 1;
    await this.#notify({ progress: this.#statuses, message });
  };

  readonly reportProgress = async (progress: ToolProgress): Promise<void> => {
    if (progress.progress <= Math.max(this.#progress, this.#statuses)) return;
    this.#progress = progress.progress;
    await this.#notify(progress);
  };

  /** Nobody listens without a token; a client that is gone is no fault of the tool. */
  async #notify(progress: ToolProgress): Promise<void> {
    const progressToken = this.#request._meta?.progressToken;
    if (progressToken === undefined) return;
    const params = { progressToken, ...progress };
    await this.#request.notify({ method: "notifications/progress", params }).catch(() => undefined);
  }
}
