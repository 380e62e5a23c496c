/** What adapters for several backends, and the bridges to SDKs, need alike; for authors of drivers. */
export { BackendClock } from "./backend-clock.ts";
export { encodeAlternatives } from "./encode-alternatives.ts";
export type { EncodedAlternative } from "./encode-alternatives.ts";
export { encodeHints, HintSubscriptions } from "./hint-subscriptions.ts";
export type { HintConnection, Listen } from "./hint-subscriptions.ts";
export { onAbort } from "./on-abort.ts";
export { settledWithin } from "./settled-within.ts";
export { unlessAborted, WaitAborted } from "./unless-aborted.ts";
