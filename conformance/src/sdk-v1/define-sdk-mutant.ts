import type { Mutant } from "../mutants/mutant.ts";
import { connectSdk } from "./connect-sdk.ts";
import { fromSdkV1, type SdkOwners } from "./from-sdk-v1.ts";
import { plainSdkStores, type SdkTasks } from "./plain-sdk-stores.ts";
import type { SdkMessageQueue, SdkTaskStore } from "./sdk-interfaces.ts";
import { SDK_V1_RULES, SDK_V1_SESSION_RULES } from "./sdk-v1-rules.ts";

/** A fault in otherwise correct stores of the SDK's interfaces. */
export interface SdkFault {
  readonly name: string;
  readonly fault: string;
  readonly killedBy: string;
  readonly mayAlso?: readonly string[];
  readonly store?: (store: SdkTaskStore, tasks: SdkTasks, fired: () => void) => Partial<SdkTaskStore>;
  readonly queue?: (queue: SdkMessageQueue, tasks: SdkTasks, fired: () => void) => Partial<SdkMessageQueue>;
}

export function defineSdkMutant({
  name,
  fault,
  killedBy,
  mayAlso = [],
  store: changeStore,
  queue: changeQueue,
}: SdkFault): Mutant {
  return {
    name,
    fault,
    killedBy: [killedBy],
    mayAlso,
    alone: false,
    onlyIn: undefined,
    plant() {
      let count = 0;
      const fired = (): void => {
        count += 1;
      };
      const open = (tasks: SdkTasks): { readonly store: SdkTaskStore; readonly queue: SdkMessageQueue } => {
        const { store, queue } = plainSdkStores(tasks);
        return {
          store: { ...store, ...changeStore?.(store, tasks, fired) },
          queue: { ...queue, ...changeQueue?.(queue, tasks, fired) },
        };
      };
      const target = {
        name,
        opensTwice: true,
        settings: [],
        rules: [...SDK_V1_RULES, ...SDK_V1_SESSION_RULES],
        async namespace() {
          const tasks: SdkTasks = new Map();
          const owners: SdkOwners = new Map();
          return {
            async open() {
              const { store, queue } = open(tasks);
              return fromSdkV1(store, queue, owners);
            },
            openSdkV1: async () => ({ ...open(tasks), connect: connectSdk }),
            // What a process knows by itself goes with its handles; the tasks stay.
            restart: async () => undefined,
            [Symbol.asyncDispose]: async () => undefined,
          };
        },
      };
      return { target, fired: () => count };
    },
  };
}

/** Without anything wrong: what the mutants are made of. */
export const plainSdk: Mutant = defineSdkMutant({ name: "plain SDK store", fault: "None.", killedBy: "" });
