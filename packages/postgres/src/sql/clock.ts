/**
 * The server's clock, epoch µs. `clock_timestamp()`, because `now()` stands still while a statement waits for a row
 * lock: a write landed a second after its task's expiry that way. Each evaluation is another instant, so a statement
 * reads it once, in a materialized CTE behind the lock, and uses that reading everywhere.
 */
export const CLOCK_US: string = "(extract(epoch from clock_timestamp()) * 1000000)::bigint";

/** The same in epoch ms, for a look at the clock before the one that decides. */
export const CLOCK_MS: string = `(${CLOCK_US} / 1000)`;
