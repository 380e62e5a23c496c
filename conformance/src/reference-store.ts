import { createTaskStore, type TaskStore } from "@mcp-task-store/core";
import { ReferenceBackend } from "./mutants/reference-backend.ts";
import type { StoreSettings } from "./target.ts";

const backends = new Map<string, ReferenceBackend>();

/** A correct store in this process's memory, to try the kit on. Handles with one id share their tasks. */
export function referenceStore(namespaceId: string, settings: StoreSettings = {}): TaskStore {
  const backend = backends.get(namespaceId) ?? new ReferenceBackend();
  backends.set(namespaceId, backend);
  return createTaskStore(backend.driver(), settings);
}
