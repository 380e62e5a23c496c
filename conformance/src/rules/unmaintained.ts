import type { StoreSettings } from "../target.ts";

/**
 * Settings of rules that look at a lease that ran out and that nobody has recovered yet. A store that cannot be told to
 * leave maintenance to the kit may have recovered it by then, and would be right.
 */
export function unmaintained(): StoreSettings {
  return { maintenance: false };
}
