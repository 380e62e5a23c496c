import type { JsonObject } from "@mcp-task-store/core";
import type { ServerContext } from "@modelcontextprotocol/server";
import type { InputRounds } from "../input-rounds.ts";
import type { Elicits, ToolContext, ToolProgress } from "../tool-context.ts";
import { ProgressNotifications, type ProgressReport } from "./progress-notifications.ts";

/** What a tool has that runs within its request, for a client without tasks. */
export class DirectContext implements ToolContext<JsonObject | undefined> {
  readonly attempt = 1;
  readonly prepared: JsonObject | undefined;
  readonly signal: AbortSignal;
  readonly elicit: Elicits["elicit"];
  readonly #request: ServerContext["mcpReq"];
  readonly #notifications = new ProgressNotifications((report) => this.#notify(report));
  #progress = Number.NEGATIVE_INFINITY;
  #statuses = 0;

  constructor(request: ServerContext["mcpReq"], rounds: InputRounds, prepared: JsonObject | undefined) {
    this.#request = request;
    this.signal = request.signal;
    this.elicit = rounds.elicit;
    this.prepared = prepared;
  }

  /** Runs a tool. What it reported last leaves before its result does, and what it reports after that does not. */
  async during<T>(run: (context: this) => T | Promise<T>): Promise<T> {
    try {
      return await run(this);
    } finally {
      await this.#notifications.end();
    }
  }

  readonly updateStatus = async (message: string): Promise<void> => {
    // Progress has to grow, and a status says no amount: statuses count themselves until the tool says amounts.
    if (this.#progress === Number.NEGATIVE_INFINITY) this.#report({ message });
  };

  readonly reportProgress = async (progress: ToolProgress): Promise<void> => {
    if (progress.progress <= Math.max(this.#progress, this.#statuses)) return;
    this.#progress = progress.progress;
    this.#report(progress);
  };

  /** Nobody listens without a token. */
  #report(report: ProgressReport): void {
    if (this.#request._meta?.progressToken !== undefined) this.#notifications.report(report);
  }

  /** A client that is gone is no fault of the tool. */
  async #notify(report: ProgressReport): Promise<void> {
    const progressToken = this.#request._meta?.progressToken;
    if (progressToken === undefined) return;
    const progress = "progress" in report ? report.progress : (this.#statuses += 1);
    const params = { ...report, progressToken, progress };
    await this.#request.notify({ method: "notifications/progress", params }).catch(() => undefined);
  }
}
