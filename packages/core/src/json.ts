/**
 * A JSON object. Its values are `unknown`, since TypeScript cannot say "plain JSON"; they are checked when it is stored.
 * An `interface` needs an index signature to be one; a `type` does not.
 */
export type JsonObject = { readonly [key: string]: unknown };

/** JSON as stored: the exact text that goes to the backend and comes back, never reparsed on the way. */
export type JsonText = string;
