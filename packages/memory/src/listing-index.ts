import type { PagePosition } from "@mcp-task-store/core";
import { byListingOrder } from "./listing-order.ts";

/** A chunk that grows beyond this is split, so that an insertion or removal moves few entries. */
const CHUNK_SIZE = 512;

/**
 * Positions in listing order, in chunks of bounded size. Finding, adding and removing one costs two binary searches and
 * a move within one chunk; nothing is left behind by a removal.
 */
export class ListingIndex<Entry extends PagePosition> {
  readonly #chunks: Entry[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an entry. Its position must be free. */
  add(entry: Entry): void {
    // The entry belongs before the first one that lies behind it; in a chunk's middle, or at the end of the one before.
    const at = Math.max(0, Math.min(this.#chunkOf(entry), this.#chunks.length - 1));
    const chunk = this.#chunks[at];
    this.#size += 1;
    if (chunk === undefined) {
      this.#chunks.push([entry]);
      return;
    }
    chunk.splice(firstNotBefore(chunk, entry), 0, entry);
    if (chunk.length <= CHUNK_SIZE) return;
    // New tasks come at the front: a small first chunk leaves them room, the full ones behind are not touched again.
    this.#chunks.splice(at + 1, 0, chunk.splice(at === 0 ? 1 : CHUNK_SIZE / 2));
  }

  /** Removes the entry at a position. Harmless if there is none. */
  remove(position: PagePosition): void {
    const at = this.#chunkOf(position);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const place = firstNotBefore(chunk, position);
    const found = chunk[place];
    if (found === undefined || byListingOrder(found, position) !== 0) return;
    this.#size -= 1;
    chunk.splice(place, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Entries strictly behind a position, or all, in listing order. The index must not change while this is walked. */
  *behind(position: PagePosition | undefined): Generator<Entry, void> {
    let at = position === undefined ? 0 : this.#chunkOf(position);
    let place = 0;
    const first = this.#chunks[at];
    if (position !== undefined && first !== undefined) {
      place = firstNotBefore(first, position);
      const found = first[place];
      if (found !== undefined && byListingOrder(found, position) === 0) place += 1;
    }
    for (; at < this.#chunks.length; at += 1, place = 0) {
      const chunk = this.#chunks[at] ?? [];
      for (; place < chunk.length; place += 1) {
        const entry = chunk[place];
        if (entry !== undefined) yield entry;
      }
    }
  }

  /** The first chunk whose last entry does not lie before the position; the number of chunks if there is none. */
  #chunkOf(position: PagePosition): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const last = this.#chunks[middle]?.at(-1);
      if (last !== undefined && byListingOrder(last, position) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The first place in a chunk whose entry does not lie before the position; the chunk's length if there is none. */
function firstNotBefore(chunk: readonly PagePosition[], position: PagePosition): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = chunk[middle];
    if (entry !== undefined && byListingOrder(entry, position) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
