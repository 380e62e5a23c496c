/** A JSON value with object keys in one order and without -0: what is equal as JSON has the same text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
}

/** A copy that nobody can edit meanwhile, as JSON would carry it; undefined where JSON cannot carry it. */
export function jsonCopy(value: unknown): { readonly copy: unknown } | undefined {
  try {
    const text: string | undefined = JSON.stringify(value);
    return { copy: text === undefined ? undefined : JSON.parse(text) };
  } catch {
    return undefined;
  }
}
