import type { JsonObject } from "@mcp-task-store/core";
import type { ProgressReport } from "./growing-progress.ts";
import { ProgressNotifications } from "./progress-notifications.ts";
import type { AsksClient, ToolContext, ToolProgress } from "./tool-context.ts";

/** What a call gives the tool that runs within it. */
export interface DirectCall {
  readonly signal: AbortSignal;
  readonly questions: AsksClient;
  readonly prepared: JsonObject | undefined;
  /** Tells the client; undefined: it does not want to know. */
  readonly tell: ((progress: ToolProgress) => Promise<void>) | undefined;
}

/** What a tool has that runs within its request, without a task. */
export class DirectContext implements ToolContext<JsonObject | undefined> {
  readonly attempt = 1;
  readonly prepared: JsonObject | undefined;
  readonly signal: AbortSignal;
  readonly elicit: AsksClient["elicit"];
  readonly elicitUrl: AsksClient["elicitUrl"];
  readonly createMessage: AsksClient["createMessage"];
  readonly #notifications: ProgressNotifications | undefined;

  constructor({ signal, questions, prepared, tell }: DirectCall) {
    this.signal = signal;
    this.elicit = questions.elicit;
    this.elicitUrl = questions.elicitUrl;
    this.createMessage = questions.createMessage;
    this.prepared = prepared;
    // A client that is gone is no fault of the tool.
    this.#notifications =
      tell && new ProgressNotifications(async (progress) => await tell(progress).catch(() => undefined));
  }

  /** Runs a tool. What it reported last leaves before its result does, and what it reports after that does not. */
  async during<T>(run: (context: this) => T | Promise<T>): Promise<T> {
    try {
      return await run(this);
    } finally {
      await this.#notifications?.end();
    }
  }

  readonly updateStatus = async (message: string): Promise<void> => {
    this.#report({ message });
  };

  readonly reportProgress = async (progress: ToolProgress): Promise<void> => {
    this.#report(progress);
  };

  #report(report: ProgressReport): void {
    this.#notifications?.report(report);
  }
}
