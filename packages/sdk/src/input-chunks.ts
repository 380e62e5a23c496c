/** How many questions, or answers, a store takes in one write. */
const MOST_INPUTS_AT_ONCE = 100;

/** Questions or answers in portions that a store takes; none is empty. */
export function inputChunks<T>(entries: readonly (readonly [string, T])[]): (readonly (readonly [string, T])[])[] {
  const chunks: (readonly (readonly [string, T])[])[] = [];
  for (let start = 0; start < entries.length; start += MOST_INPUTS_AT_ONCE) {
    chunks.push(entries.slice(start, start + MOST_INPUTS_AT_ONCE));
  }
  return chunks;
}
