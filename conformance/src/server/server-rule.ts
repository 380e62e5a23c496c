import type { Generation, JsonObject } from "@mcp-task-store/core";
import { type Expect, type Play, playPlain, type RuleData } from "../rule.ts";
import type { ModernClient } from "./modern-client.ts";
import type { Session } from "./session.ts";
import type { ToolRole } from "./tools.ts";

/** Who sends a request. caller: with the headers that were given. other: somebody else. nobody: without any of them. */
export type Caller = "caller" | "other" | "nobody";

/** What a rule cannot do without: a tool, or a caller. */
export type ServerNeed = ToolRole | "other" | "nobody" | "identity";

/** What a rule about servers works with. */
export interface ServerKit {
  /** When something that must happen has not happened, ms. */
  readonly deadlineMs: number;
  /** A client of 2026-07-28. */
  modern(caller?: Caller): ModernClient;
  /** A new session of 2025-11-25, closed at the rule's end. `capabilities`: what the client says it can do. */
  session(options?: { readonly caller?: Caller; readonly capabilities?: JsonObject }): Promise<Session>;
  /** The parameters of a call of a tool; `more` goes into its arguments. */
  tool(role: ToolRole, more?: JsonObject): { readonly name: string; readonly arguments: JsonObject };
  /**
   * Reads again until the condition holds or the deadline is over, and some tens of times before it gives up; returns
   * what was read last. `extraMs` is what it may take anyway.
   */
  until<T>(read: () => Promise<T>, condition: (value: T) => boolean, extraMs?: number): Promise<T>;
  /**
   * Does something that counts only while a tool works that was called in it to work for so many seconds. Where all of
   * it took as long, it is done again with a tool that works twice as long.
   * @throws CouldNotRun if it never was fast enough
   */
  meanwhile<T>(act: (seconds: number) => Promise<T>): Promise<T>;
}

/** What there is to know about a rule about servers without playing it. Servers make no promises of ours. */
export interface ServerRuleData extends Omit<RuleData, "needs"> {
  readonly needs: readonly ServerNeed[];
}

/** The same as runners use it. */
export interface ServerRule extends ServerRuleData {
  play(kit: ServerKit): Promise<Play>;
}

export interface ServerRuleDefinition<Seen> extends Pick<
  ServerRule,
  "id" | "title" | "level" | "source" | "needs" | "mutants"
> {
  readonly generation: Generation;
  readonly since?: string;
  readonly act: (kit: ServerKit) => Promise<Seen>;
  readonly judge: (expect: Expect, seen: Seen) => void;
}

/** Thrown out of `act`: what the rule is about is the server's to offer, and this one does not. */
export class NotOffered extends Error {
  override readonly name: string = "NotOffered";
}

export function defineServerRule<Seen>(definition: ServerRuleDefinition<Seen>): ServerRule {
  const { id, title, level, source, needs, mutants, generation, since = "0.1.0" } = definition;
  const data = { id, title, level, source, needs, mutants, generation, since, guards: [], promises: [] };
  return { ...data, play: (kit) => playPlain(definition, kit) };
}
