import { isTaskStoreError } from "@mcp-task-store/core";
import { answersLater, wrongFulfilment, wrongReturn } from "./answer-shapes.ts";
import { CouldNotRun } from "./attempt.ts";
import { isError } from "./is-error.ts";
import { shown, snapshot } from "./shown.ts";

/** How many calls a failure shows. */
const KEPT_CALLS = 12;

interface Line {
  readonly name: string;
  readonly args: readonly unknown[];
  /** Rendered only when a failure is shown: races make thousands of calls. */
  ending: () => string;
}

/** The calls a rule made, for the failure's text, and which errors came out of them. */
export class Journal {
  readonly #lines: Line[] = [];
  readonly #errors = new WeakMap<object, string>();
  #count = 0;

  /** The latest calls, oldest first. */
  get calls(): readonly string[] {
    const left = this.#count - this.#lines.length;
    const lines = this.#lines.map(
      ({ name, args, ending }) => `${name}(${args.map((arg) => shown(arg, 120)).join(", ")}) ${ending()}`,
    );
    return left === 0 ? lines : [`… ${left} calls before`, ...lines];
  }

  start(name: string, args: readonly unknown[]): Line {
    // As they are now: whoever is given them may write over them.
    const line: Line = { name, args: args.map((arg) => snapshot(arg)), ending: () => "…" };
    this.#count += 1;
    this.#lines.push(line);
    if (this.#lines.length > KEPT_CALLS) this.#lines.shift();
    return line;
  }

  /** The call of the store that an error came out of, such as `A.getTask`. */
  threw(error: unknown): string | undefined {
    return typeof error === "object" && error !== null ? this.#errors.get(error) : undefined;
  }

  failed(line: Line, error: unknown): void {
    if (typeof error === "object" && error !== null) this.#errors.set(error, line.name);
    line.ending = () => `→ ${isTaskStoreError(error) ? error.code : shown(error, 160)}`;
  }
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
          line.ending = () => `→ ${shown(wrong.answer, 200)}`;
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
        const seen = snapshot(value);
        line.ending = () => `→ ${shown(seen, 200)}`;
        const wrong = wrongFulfilment(method, line.name, value);
        if (wrong === undefined) resolve(value);
        else reject(wrong);
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
