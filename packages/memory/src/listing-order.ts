import type { PagePosition } from "@mcp-task-store/core";

/**
 * Listing order: createdAt descending, then taskId descending by its UTF-8 bytes.
 * @returns negative: `a` is listed before `b`; positive: behind it; 0: the same position
 */
export function byListingOrder(a: PagePosition, b: PagePosition): number {
  return a.createdAt === b.createdAt ? compareUtf8(b.taskId, a.taskId) : b.createdAt - a.createdAt;
}

/**
 * Compares two strings as their UTF-8 bytes compare, which is the order of code points. JavaScript's own `<` compares
 * UTF-16 units and puts U+10000 (D800 DC00) before U+E000.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const difference = rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Moves surrogates, which stand for code points above U+FFFF, behind all other units. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
