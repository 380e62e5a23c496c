const PREFIX = "@modelcontextprotocol/sdk:";

/**
 * Tools of SDK 1.x say that they need input without saying what: they ask in other ways. Our tasks ask by key, so that
 * status is an input under a key of its own. No client is shown it, or answers it.
 */
export function bareStatusKey(inputs: Readonly<Record<string, unknown>>): string {
  return `${PREFIX}${Object.keys(inputs).length}`;
}

export function isBareStatus(key: string): boolean {
  return key.startsWith(PREFIX);
}
