import { defineMutant, type Mutant } from "./mutant.ts";
import { eachAlternative, rewriting } from "./over-driver.ts";
import { overStore } from "./over-store.ts";

export const handOver: readonly Mutant[] = [
  defineMutant({
    name: "release-claim-ignored",
    fault: "A release takes the store's claim period, whatever its worker asks for.",
    killedBy: ["lease/handed-on"],
    mayAlso: ["lease/refused-hand-over"],
    store: (store, { fired }) =>
      overStore(store, {
        root: (inner) => ({
          async releaseLease(taskId, token, { claimWithinMs, ...options } = {}) {
            if (claimWithinMs !== undefined) fired();
            return await inner.releaseLease(taskId, token, options);
          },
        }),
      }),
  }),
  defineMutant({
    name: "hand-over-swallowed",
    fault: "A task whose hand-over failed waits for a whole claim period.",
    killedBy: ["lease/refused-hand-over"],
    driver: (driver, { fired }) =>
      rewriting(driver, (write, kind) => {
        if (kind !== "claim" || write.alternatives.some(({ when }) => when.claimOver === true)) return write;
        fired();
        return eachAlternative(write, ({ when }) => ({ when, then: { claimInMs: 3_600_000 } }));
      }),
  }),
  defineMutant({
    name: "stranger-moves-claim",
    fault: "An answer that nobody asked for starts the claim period again.",
    killedBy: ["lease/claim-kept"],
    store: (store, { backend, fired }) =>
      overStore(store, {
        methods: (inner) => ({
          async answerInputs(taskId, answers, options) {
            const before = backend.rows.get(taskId)?.claimBy ?? null;
            const after = await inner.answerInputs(taskId, answers, options);
            if (after.claimBy === undefined || before === null) return after;
            fired();
            const claimBy = Date.parse(after.claimBy) + backend.nowMs() - Date.parse(after.lastUpdatedAt);
            backend.patch(taskId, () => ({ claimBy }));
            return { ...after, claimBy: new Date(claimBy).toISOString() };
          },
        }),
      }),
  }),
];
