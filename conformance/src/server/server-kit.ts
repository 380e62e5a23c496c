import { setTimeout } from "node:timers/promises";
import type { JsonObject } from "@mcp-task-store/core";
import { anyEnd } from "../attempt.ts";
import type { Journal } from "../journal.ts";
import type { Headers } from "./http-answer.ts";
import { ModernClient } from "./modern-client.ts";
import type { Caller, ServerKit } from "./server-rule.ts";
import { Session } from "./session.ts";
import { TOOL_ARGUMENTS, type ToolRole } from "./tools.ts";

/** Where a server is, and what the kit may say to it. */
export interface ServerAddress {
  readonly url: string;
  /** What each caller's requests carry besides the protocol's own headers. */
  readonly headers: Readonly<Record<Caller, Headers>>;
  /** Names of the tools. */
  readonly tools: Readonly<Record<ToolRole, string>>;
}

/** Pause between two reads, ms. */
const PAUSE_MS = 40;

/** What a client of 2025-11-25 says that can be asked. */
const SESSION_CAPABILITIES: JsonObject = { elicitation: {} };

/** The kit of one play of one rule. */
export class WireKit implements ServerKit {
  readonly deadlineMs: number;
  readonly #address: ServerAddress;
  readonly #journal: Journal;
  readonly #sessions: Session[] = [];

  constructor(address: ServerAddress, journal: Journal, deadlineMs: number) {
    this.#address = address;
    this.#journal = journal;
    this.deadlineMs = deadlineMs;
  }

  modern(caller: Caller = "caller"): ModernClient {
    const { url, headers } = this.#address;
    return new ModernClient(url, headers[caller], this.#journal, this.deadlineMs);
  }

  async session(options: { readonly caller?: Caller; readonly capabilities?: JsonObject } = {}): Promise<Session> {
    const { caller = "caller", capabilities = SESSION_CAPABILITIES } = options;
    const { url, headers } = this.#address;
    const { deadlineMs } = this;
    const session = await Session.open(url, {
      headers: headers[caller],
      capabilities,
      journal: this.#journal,
      deadlineMs,
    });
    this.#sessions.push(session);
    return session;
  }

  tool(role: ToolRole, more: JsonObject = {}): { readonly name: string; readonly arguments: JsonObject } {
    return { name: this.#address.tools[role], arguments: { ...TOOL_ARGUMENTS[role], ...more } };
  }

  async until<T>(read: () => Promise<T>, condition: (value: T) => boolean): Promise<T> {
    const deadline = performance.now() + this.deadlineMs;
    for (;;) {
      const value = await read();
      if (condition(value) || performance.now() > deadline) return value;
      await setTimeout(PAUSE_MS);
    }
  }

  /** Ends the sessions that the rule opened. */
  async close(): Promise<void> {
    for (const session of this.#sessions) await anyEnd(session.close());
  }
}
