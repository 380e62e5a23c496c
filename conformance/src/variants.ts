import { payloads } from "./variants/payloads.ts";
import { slow } from "./variants/slow.ts";
import { tasks } from "./variants/tasks.ts";
import type { Variant } from "./variants/variant.ts";

/** Stores that are right in another way than the reference: every rule has to let them pass. */
export const variants: readonly Variant[] = [tasks, payloads, slow].flat();
