/** Control characters, and marks that end a line or change the direction of what follows. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text of a store's as a terminal or a page may show it: nothing in it moves a cursor, sets a colour or turns lines round. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => (char === "\n" || char === "\t" ? char : escaped(char)));
}

function escaped(char: string): string {
  return String.raw`\u` + char.charCodeAt(0).toString(16).padStart(4, "0");
}
