/**
 * What JSON makes of a value: a Date is its text, a function no member, NaN null, undefined in a list null. Half a
 * character becomes U+FFFD, since not every backend can keep one.
 * @returns a copy; undefined for what has no JSON of its own, such as undefined and functions
 * @throws TypeError for what cannot be JSON: a bigint, a cycle; and what a getter or `toJSON` throws
 */
export function plainJson(value: unknown): unknown {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) return undefined;
  const plain: unknown = JSON.parse(text);
  // So JSON writes half a character, and few texts have anything that looks like it.
  return text.includes(String.raw`\ud`) ? wellFormed(plain) : plain;
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toWellFormed(), wellFormed(member)]));
}
