/**
 * A JSON object. Its values are `unknown`, since TypeScript cannot say "plain JSON"; they are checked when it is stored.
 * An `interface` needs an index signature to be one; a `type` does not.
 *
 * Stores keep one exactly, or refuse it with INVALID_ARGUMENT: functions, symbols, bigints, numbers that are not finite,
 * arrays with holes, objects with a class (Date, Map), cycles, and text that the backend would alter (unpaired
 * surrogates, NUL). A member that is `undefined` is absent. Keys are data, "__proto__" too; 100 levels fit at least.
 */
export type JsonObject = { readonly [key: string]: unknown };

/** JSON as stored: the exact text that goes to the backend and comes back, never reparsed on the way. */
export type JsonText = string;
