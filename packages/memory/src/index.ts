export { createMemoryTaskStore } from "./create-memory-task-store.ts";
export type { MemoryTaskStoreOptions } from "./create-memory-task-store.ts";
export { createMemoryBackend } from "./memory-backend.ts";
export type { MemoryBackend, MemoryBackendOptions } from "./memory-backend.ts";
export { createMemoryDriver } from "./memory-driver.ts";
export type { MemoryDriverOptions } from "./memory-driver.ts";
