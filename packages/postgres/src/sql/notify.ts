/**
 * Sends hints. Its own statement, after the write was committed: inside the write's transaction NOTIFY takes a lock
 * that lets one transaction commit at a time.
 *
 * Params: $1 channel; $2 text[] of payloads, each below 8,000 bytes.
 */
export const notifyStatement = "select pg_notify($1::text, payload) from unnest($2::text[]) as payload";
