const BRAND: unique symbol = Symbol.for("@mcp-task-store/sdk/Suspension");

/**
 * What `elicit` throws where it ends the run: the answer will start it again. `finally` blocks run; a `catch` that gets
 * it throws it on, though nothing that the tool does after it counts.
 */
class Suspension extends Error {
  override readonly name: string = "Suspension";

  constructor() {
    super("The tool waits for an answer and will start again with it. Let this error pass.");
    Object.defineProperty(this, BRAND, { value: true });
  }
}

export function suspension(): Error {
  return new Suspension();
}

/** Whether an error only ends a run that will start again: `catch (error) { if (isSuspension(error)) throw error; … }` */
export function isSuspension(error: unknown): boolean {
  return typeof error === "object" && error !== null && BRAND in error;
}
