/** What adapters for several backends, and the bridges to SDKs, need alike; for authors of drivers. */
export { BackendClock } from "./backend-clock.ts";
export { checkExactlyOne, checkPoolSize, invalidOption } from "./connection-options.ts";
export { encodeAlternatives } from "./encode-alternatives.ts";
export type { EncodedAlternative } from "./encode-alternatives.ts";
export { encodeHints, HintSubscriptions } from "./hint-subscriptions.ts";
export type { HintConnection, Listen } from "./hint-subscriptions.ts";
export { loadedRow } from "./loaded-row.ts";
// What a write, an insert, a look of maintenance, a push and a take mean: for drivers that carry them out in JavaScript,
// within one atomic step of their backend. Others say the same in the backend's language, and are compared with these.
export { MessageQueue, pushMessage, takeMessages } from "./message-queue.ts";
export type { MessageQueueState } from "./message-queue.ts";
export { nameOfError } from "./name-of-error.ts";
export { onAbort } from "./on-abort.ts";
export { settledWithin } from "./settled-within.ts";
export { afterLook, answerInsert, answerRemove, apply, isVisible, toMs } from "./transitions.ts";
export type { Look } from "./transitions.ts";
export { unlessAborted, WaitAborted } from "./unless-aborted.ts";
