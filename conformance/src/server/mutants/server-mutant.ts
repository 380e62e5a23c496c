import type { JsonObject } from "@mcp-task-store/core";
import { isJsonObject } from "../wire-message.ts";
import type { Exchange, Tampering } from "./tampering-proxy.ts";

/** A server with one fault: a correct one behind a proxy that puts it in. */
export interface ServerMutant {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly fault: string;
  /** Rules that must fail. */
  readonly killedBy: readonly string[];
  /** Rules, or themes, that may fail too, or be unable to run. */
  readonly mayAlso: readonly string[];
  /** The fault, afresh, and how often it did its harm. */
  plant(): { readonly tampering: Tampering; readonly fired: () => number };
}

export interface ServerMutantDefinition extends Pick<ServerMutant, "name" | "fault" | "killedBy"> {
  readonly mayAlso?: readonly string[];
  /** @param fired to be called where the fault does its harm */
  readonly tamper: (fired: () => void) => Tampering;
}

export function defineServerMutant(definition: ServerMutantDefinition): ServerMutant {
  const { name, fault, killedBy, mayAlso = [], tamper } = definition;
  return {
    name,
    fault,
    killedBy,
    mayAlso,
    plant() {
      let count = 0;
      const tampering = tamper(() => {
        count += 1;
      });
      return { tampering, fired: () => count };
    },
  };
}

/** A change of a result, by the method of its request; undefined leaves it as it is. */
export type ResultChange = (result: JsonObject, exchange: Exchange) => JsonObject | undefined;

/** Changes results of these methods. */
export function onResult(methods: readonly string[], change: ResultChange): (fired: () => void) => Tampering {
  return onAnswer(methods, (message, exchange) => {
    const { result } = message;
    const changed = isJsonObject(result) ? change(result, exchange) : undefined;
    return changed && { ...message, result: changed };
  });
}

/** Changes answers to these methods, errors too. */
export function onAnswer(
  methods: readonly string[],
  change: (message: JsonObject, exchange: Exchange) => JsonObject | undefined,
): (fired: () => void) => Tampering {
  return (fired) => ({
    message(message, exchange) {
      const isAnswer = message["method"] === undefined && methods.includes(exchange.method);
      const changed = isAnswer ? change(message, exchange) : undefined;
      if (changed === undefined) return [message];
      fired();
      return [changed];
    },
  });
}

/** Changes what the server says by itself: one method's messages. */
export function onSaid(
  method: string,
  change: (
    message: JsonObject & { readonly params: JsonObject },
    exchange: Exchange,
  ) => readonly JsonObject[] | undefined,
): (fired: () => void) => Tampering {
  return (fired) => ({
    message(message, exchange) {
      const params = isJsonObject(message["params"]) ? message["params"] : {};
      const changed = message["method"] === method ? change({ ...message, params }, exchange) : undefined;
      if (changed === undefined) return [message];
      fired();
      return changed;
    },
  });
}

/** Changes requests on their way, or answers them. */
export function onRequest(change: NonNullable<Tampering["request"]>): (fired: () => void) => Tampering {
  return (fired) => ({
    request(exchange) {
      const changed = change(exchange);
      if (changed !== undefined) fired();
      return changed;
    },
  });
}

/** An object without some of its members; undefined where it has none of them. */
export function without(value: JsonObject, ...names: readonly string[]): JsonObject | undefined {
  if (!names.some((name) => Object.hasOwn(value, name))) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}
