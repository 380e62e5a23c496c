/** Keys of inputs that tools make which are registered with SDK 1.x's own `registerToolTask`. */
const PREFIX = "@modelcontextprotocol/sdk";
const STATUS = `${PREFIX}:`;
const QUESTION = `${PREFIX}/`;

/**
 * Such tools say that they need input without saying what: they ask in other ways. Our tasks ask by key, so that status
 * is an input under a key of its own. No client is shown it, or answers it.
 */
export function bareStatusKey(inputs: Readonly<Record<string, unknown>>): string {
  return `${STATUS}${Object.keys(inputs).length}`;
}

export function isBareStatus(key: string): boolean {
  return key.startsWith(STATUS);
}

/** What such a tool asks: a question like any other, but nobody names it. */
export function newSdkQuestionKey(): string {
  return `${QUESTION}${crypto.randomUUID()}`;
}

/** Whether a tool of SDK 1.x made an input. It works in one process, which waits for it: there is nobody to hand it to. */
export function isOfSdkTool(key: string): boolean {
  return isBareStatus(key) || key.startsWith(QUESTION);
}
