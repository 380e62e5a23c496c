/**
 * A JSON object as users hand it over: values are checked at run time by {@link toJsonText}, since TypeScript cannot
 * say "plain JSON" without refusing ordinary interfaces.
 */
export type JsonObject = { readonly [key: string]: unknown };

/** JSON as stored: the exact text that goes to the backend and comes back, never reparsed on the way. */
export type JsonText = string;
