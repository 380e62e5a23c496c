/** What a client library or Node calls an error: its code, else its name. For messages that must not repeat its text. */
export function nameOfError(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return error instanceof Error ? error.name : "no connection";
}
