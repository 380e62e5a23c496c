import { defineMutant, type Mutant } from "./mutant.ts";
import { overStore } from "./over-store.ts";

export const closeExits: readonly Mutant[] = [
  defineMutant({
    name: "timer-holds",
    fault: "A timer of the store keeps its process alive, closed or not.",
    killedBy: ["close/exits"],
    child(store) {
      setInterval(() => undefined, 1_000);
      return store;
    },
  }),
  defineMutant({
    name: "stray-rejection",
    fault: "Closing leaves a read behind whose refusal nobody handles.",
    killedBy: ["close/exits"],
    child: (store) =>
      overStore(store, {
        root: (inner) => ({
          async close(options) {
            await inner.close(options);
            void inner.getTask("a task of no interest");
          },
        }),
      }),
  }),
];
