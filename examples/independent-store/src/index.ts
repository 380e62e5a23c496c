export { IndependentBackend } from "./independent-backend.ts";
export { createIndependentStore } from "./independent-store.ts";
export type { IndependentStoreOptions } from "./settings.ts";
