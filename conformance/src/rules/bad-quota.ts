import { attempt, fulfilledValues } from "../attempt.ts";
import { defineRule, type Rule } from "../rule.ts";
import { equalTo, fulfilled, refused } from "../wants.ts";

const QUOTA = 5;
const CREATES = 20;

export const quota: Rule = defineRule({
  id: "bad/quota",
  title: "A principal gets as many tasks as its quota says, and takes none from others",
  level: "should",
  source: ["S-76", "P5"],
  needs: ["quota"],
  mutants: ["quota-global", "quota-look-insert"],
  settings: () => ({ quota: QUOTA }),
  async act(kit) {
    const rounds = [];
    for (let round = 0; round < 5; round += 1) {
      const principal = kit.principal(`greedy ${round}`);
      const creates = await kit.scramble(
        Array.from({ length: CREATES }, (_, index) => () => {
          const store = index % 2 === 0 ? kit.A : kit.B;
          return store.scoped(principal).createTask();
        }),
      );
      const other = await attempt(kit.B.scoped(kit.principal(`modest ${round}`)).createTask());
      const readable = await Promise.all(
        fulfilledValues(creates).map(({ taskId }) => kit.B.scoped(principal).getTask(taskId)),
      );
      rounds.push({ creates, other, readable: readable.filter((task) => task !== undefined).length });
    }
    return rounds;
  },
  judge(expect, rounds) {
    for (const { creates, other, readable } of rounds) {
      const did = `let one principal create ${CREATES} tasks at once, with a quota of ${QUOTA}`;
      for (const end of creates) {
        if (end.kind === "rejected") expect(`${did}: one that did not get through`, end, refused("QUOTA_EXCEEDED"));
      }
      expect(`${did}: those that were made`, fulfilledValues(creates).length, equalTo(QUOTA));
      expect(`${did}: those that can be read`, readable, equalTo(QUOTA));
      expect(`${did}, then let another create one`, other, fulfilled());
    }
  },
});
