/** The store as others could have made it: each of these is as right as the contract lets it be. */
import { storeTarget, type StoreTargetOptions, type Target } from "@mcp-task-store/conformance/targets";
import { TaskStoreError, type TaskStore } from "@mcp-task-store/core";
import { target as whole } from "../src/conformance.target.ts";
import { createIndependentStore, IndependentBackend } from "../src/index.ts";

export interface Shape {
  readonly name: string;
  readonly freedom: string;
  readonly target: Target;
  /** Rules and themes that do not apply, besides those that ask for more than any store of one process has. */
  readonly notApplicable: readonly string[];
}

/** Rules that need a process of their own or another wall clock. */
const FACILITIES = ["bad/quota", "clock", "close/exits"];

function shape(
  name: string,
  freedom: string,
  target: Omit<StoreTargetOptions, "name">,
  notApplicable: readonly string[],
): Shape {
  const options = { ...target, name, concurrency: 16 };
  return { name, freedom, target: storeTarget(options), notApplicable: [...FACILITIES, ...notApplicable] };
}

/** The same backend for the same namespace. */
function shared(): (namespaceId: string) => IndependentBackend {
  const backends = new Map<string, IndependentBackend>();
  return (namespaceId) => {
    const backend = backends.get(namespaceId) ?? new IndependentBackend();
    backends.set(namespaceId, backend);
    return backend;
  };
}

const alone = shape(
  "alone",
  "Each handle has its own tasks.",
  { open: (_, settings) => createIndependentStore(settings) },
  [],
);

const tidyBackend = shared();
const tidy = shape(
  "tidy",
  "It takes no settings, and maintains whenever it likes.",
  {
    opensTwice: true,
    settings: [],
    open: (namespaceId) => createIndependentStore({ maintenance: { everyMs: 20 } }, tidyBackend(namespaceId)),
  },
  [
    "exec/lost-lease",
    "lease/claim",
    "lease/claim-kept",
    "lease/fenced",
    "lease/handed-on",
    "lease/orphan-fail",
    "lease/orphan-release",
    "lease/refused-hand-over",
    "lease/stale-refused",
    "lease/token-grows",
    "payload/limits",
    "ttl/actual",
    "ttl/grace",
    "ttl/later-capped",
    "ttl/leased-lives",
    "ttl/maintain-race",
    "wait/gap",
    "wait/hint-and-poll",
  ],
);

async function notSupported(): Promise<never> {
  throw new TaskStoreError("NOT_SUPPORTED", "This store cannot do that.");
}

function withLess(store: TaskStore): TaskStore {
  return {
    ...store,
    capabilities: { ...store.capabilities, listing: false, messages: false, pushHints: false },
    listTasks: notSupported,
    messages: { push: notSupported, shift: notSupported, drain: notSupported },
    scoped: (principal) => ({ ...store.scoped(principal), listTasks: notSupported }),
  };
}

const spareBackend = shared();
const spare = shape(
  "spare",
  "It neither lists nor keeps messages.",
  {
    opensTwice: true,
    open: (namespaceId, settings) => withLess(createIndependentStore(settings, spareBackend(namespaceId))),
  },
  ["list", "messages", "scope/list-own", "wait/gap", "wait/hint-and-poll"],
);

const SHORTEST_MS = 300;

function atLeast(argument: string, value: number | null | undefined): void {
  if (typeof value !== "number" || value >= SHORTEST_MS) return;
  throw new TaskStoreError("INVALID_ARGUMENT", `${argument} must be ${SHORTEST_MS} or more.`, { argument });
}

function coarsened(store: TaskStore): TaskStore {
  return {
    ...store,
    capabilities: { ...store.capabilities, minTtlMs: SHORTEST_MS, minLeaseMs: SHORTEST_MS },
    async createTask(params, options) {
      atLeast("ttlMs", params?.ttlMs);
      return await store.createTask(params, options);
    },
    async updateTask(taskId, change, options) {
      atLeast("ttlMs", change.ttlMs);
      return await store.updateTask(taskId, change, options);
    },
    async acquireLease(taskId, options) {
      atLeast("leaseMs", options.leaseMs);
      return await store.acquireLease(taskId, options);
    },
    async renewLease(taskId, token, options) {
      atLeast("leaseMs", options?.leaseMs);
      return await store.renewLease(taskId, token, options);
    },
  };
}

const coarseBackend = shared();
const coarse = shape(
  "coarse",
  `No ttl and no lease is shorter than ${SHORTEST_MS} ms.`,
  {
    opensTwice: true,
    open: (namespaceId, settings) => coarsened(createIndependentStore(settings, coarseBackend(namespaceId))),
  },
  [],
);

export const shapes: readonly Shape[] = [
  { name: "whole", freedom: "Other than ours in all that is free.", target: whole, notApplicable: [] },
  alone,
  tidy,
  spare,
  coarse,
];
