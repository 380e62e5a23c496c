import { isTaskStoreError } from "@mcp-task-store/core";
import { answersLater, type WrongAnswer, wrongFulfilment, wrongReturn } from "./answer-shapes.ts";
import { CouldNotRun } from "./attempt.ts";
import { isError } from "./is-error.ts";
import { partsOf, shown, snapshot } from "./shown.ts";

/** How many calls a failure shows. */
const KEPT_CALLS = 12;

/** How many of the calls before those it shows, whose answers were judged. */
const KEPT_CAUSES = 8;

interface Line {
  /** Which of the rule's calls it is, from 0. */
  readonly nth: number;
  readonly name: string;
  readonly args: readonly unknown[];
  /** Rendered only when a failure is shown: races make thousands of calls. */
  ending: () => string;
}

/** The calls a rule made, for the failure's text, and which answers and errors came out of them. */
export class Journal {
  readonly #latest: Line[] = [];
  /** Of what is an object: it keeps a call no longer than the rule keeps what came out of it. */
  readonly #sources = new WeakMap<object, Line>();
  #count = 0;

  /** The calls that what was judged came out of, and the latest; oldest first. */
  callsAround(seen: unknown): readonly string[] {
    const causes = partsOf(seen).flatMap((part) => this.#sources.get(part) ?? []);
    const lines = [...new Set([...causes.slice(0, KEPT_CAUSES), ...this.#latest])].toSorted((a, b) => a.nth - b.nth);
    return lines.flatMap((line, index) => {
      const before = lines[index - 1];
      const left = line.nth - (before === undefined ? 0 : before.nth + 1);
      const gap = `… ${left} ${left === 1 ? "call" : "calls"}${before === undefined ? " before" : ""}`;
      return left === 0 ? [rendered(line)] : [gap, rendered(line)];
    });
  }

  start(name: string, args: readonly unknown[]): Line {
    // As they are now: whoever is given them may write over them.
    const line: Line = { nth: this.#count, name, args: args.map((arg) => snapshot(arg)), ending: () => "…" };
    this.#count += 1;
    this.#latest.push(line);
    if (this.#latest.length > KEPT_CALLS) this.#latest.shift();
    return line;
  }

  /** The call of the store that an error came out of, such as `A.getTask`. */
  threw(error: unknown): string | undefined {
    return isObject(error) ? this.#sources.get(error)?.name : undefined;
  }

  answered(line: Line, answer: unknown): void {
    if (isObject(answer)) this.#sources.set(answer, line);
    const seen = snapshot(answer);
    line.ending = () => `→ ${shown(seen, 200)}`;
  }

  /** It answered with what can be no answer. */
  misled(line: Line, wrong: WrongAnswer): void {
    this.answered(line, wrong.answer);
    this.#sources.set(wrong, line);
  }

  failed(line: Line, error: unknown): void {
    if (isObject(error)) this.#sources.set(error, line);
    line.ending = () => `→ ${isTaskStoreError(error) ? error.code : shown(error, 160)}`;
  }
}

function rendered({ name, args, ending }: Line): string {
  return `${name}(${args.map((arg) => shown(arg, 120)).join(", ")}) ${ending()}`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** These wait by design; the rule bounds them itself. */
const WAITING: ReadonlySet<string> = new Set(["waitForUpdate", "waitForOutcome"]);

/**
 * The same store, with each call written down, and given up as could-not-run when it does not settle within `settleMs`.
 * What can be no answer to a call is a `WrongAnswer`. A call starts in the same turn as without it.
 */
export function observed<S extends object>(store: S, name: string, journal: Journal, settleMs: number): S {
  // A shell, not the store itself: a proxy may not replace the methods of a frozen object.
  const shell: S = Object.create(null);
  const seen: S = new Proxy(shell, {
    has: (_shell, key) => Reflect.has(store, key),
    ownKeys: () => Reflect.ownKeys(store),
    getOwnPropertyDescriptor(_shell, key) {
      if (!Reflect.has(store, key)) return undefined;
      return { value: Reflect.get(seen, key), enumerable: true, configurable: true, writable: true };
    },
    get(_shell, key): unknown {
      const value: unknown = Reflect.get(store, key, store);
      if (typeof value === "object" && value !== null && key === "messages") {
        return observed(value, `${name}.messages`, journal, settleMs);
      }
      if (typeof value !== "function" || typeof key !== "string") return value;
      return (...args: readonly unknown[]): unknown => {
        const line = journal.start(`${name}.${key}`, args);
        let result: unknown;
        try {
          result = Reflect.apply(value, store, args);
        } catch (error) {
          journal.failed(line, error);
          throw error;
        }
        const wrong = wrongReturn(key, line.name, result);
        if (wrong !== undefined) {
          journal.misled(line, wrong);
          throw wrong;
        }
        if (key === "scoped" && typeof result === "object" && result !== null) {
          line.ending = () => "→ a view";
          return observed(result, `${name}.scoped(${shown(args[0], 40)})`, journal, settleMs);
        }
        if (!(result instanceof Promise) && !answersLater(key)) return result;
        return followed(key, Promise.resolve(result), line, journal, WAITING.has(key) ? undefined : settleMs);
      };
    },
  });
  return seen;
}

function followed(
  method: string,
  result: Promise<unknown>,
  line: Line,
  journal: Journal,
  settleMs: number | undefined,
): Promise<unknown> {
  const watched = new Promise<unknown>((resolve, reject) => {
    const giveUp = (): void => reject(new CouldNotRun(`${line.name} did not settle within ${settleMs} ms`));
    const timer = settleMs === undefined ? undefined : setTimeout(giveUp, settleMs);
    result.then(
      (value) => {
        clearTimeout(timer);
        const wrong = wrongFulfilment(method, line.name, value);
        if (wrong === undefined) {
          journal.answered(line, value);
          resolve(value);
        } else {
          journal.misled(line, wrong);
          reject(wrong);
        }
      },
      (error: unknown) => {
        clearTimeout(timer);
        // Handed on as the store threw it: rules judge exactly that.
        const handed = isError(error) ? error : new NotAnError(error);
        journal.failed(line, handed);
        reject(handed);
      },
    );
  });
  // A rule that stops early leaves calls behind; their ends are of no interest then.
  watched.catch(() => undefined);
  return watched;
}

/** A store rejected with something that is no Error. */
export class NotAnError extends Error {
  override readonly name: string = "NotAnError";
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super(`the store threw ${shown(thrown, 80)}, which is no Error`);
    this.thrown = thrown;
  }
}
