import type { StoreSettings } from "../target.ts";

/**
 * Settings of rules that look at a lease that ran out and that nobody has recovered yet. A store that cannot be told to
 * leave maintenance to the kit may have recovered it by then, and would be right.
 */
export function unmaintained(): StoreSettings {
  return { maintenance: false };
}

/**
 * The same for rules in which a task is taken again after a worker was lost: how often that may be is a setting whose
 * default is the store's own business.
 */
export function takenAgain(): StoreSettings {
  return { ...unmaintained(), maxAttempts: 3 };
}
