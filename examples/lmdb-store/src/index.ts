export { createLmdbTaskStore } from "./create-lmdb-task-store.ts";
export type { LmdbTaskStoreOptions } from "./create-lmdb-task-store.ts";
export { createLmdbDriver } from "./lmdb-driver.ts";
