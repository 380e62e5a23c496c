import { InMemoryTaskMessageQueue, InMemoryTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import { sdkV1Target, type SdkV1Stores } from "../../src/sdk-v1.ts";
import type { Target } from "../../src/targets.ts";

const places = new Map<string, SdkV1Stores>();

/** The SDK's own stores. */
export const target: Target = sdkV1Target({
  name: "InMemoryTaskStore",
  setup: async (id) => void places.set(id, { store: new InMemoryTaskStore(), queue: new InMemoryTaskMessageQueue() }),
  open: (id) => places.get(id) ?? { store: new InMemoryTaskStore() },
  dispose: async (id) => void places.delete(id),
});
