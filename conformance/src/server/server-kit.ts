import type { JsonObject } from "@mcp-task-store/core";
import { anyEnd, CouldNotRun } from "../attempt.ts";
import type { Journal } from "../journal.ts";
import { readUntil } from "../read-until.ts";
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

/** How long a tool is let work at most, s, for something to be done meanwhile. */
const MOST_SECONDS = 8;

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

  until<T>(read: () => Promise<T>, condition: (value: T) => boolean, extraMs = 0): Promise<T> {
    return readUntil(read, condition, this.deadlineMs + extraMs);
  }

  async meanwhile<T>(act: (seconds: number) => Promise<T>): Promise<T> {
    for (let seconds = 1; seconds <= MOST_SECONDS; seconds *= 2) {
      const started = performance.now();
      const seen = await act(seconds);
      if (performance.now() - started < 1_000 * seconds) return seen;
    }
    throw new CouldNotRun(`the calls took longer than ${MOST_SECONDS} s, so nothing follows from their answers`);
  }

  /** Ends the sessions that the rule opened. */
  async close(): Promise<void> {
    for (const session of this.#sessions) await anyEnd(session.close());
  }
}
