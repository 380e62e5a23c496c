import type { Write } from "@mcp-task-store/core";
import { changedRow } from "./change.ts";
import { IS_VISIBLE, laterThan, READ_CLOCK } from "./clock.ts";
import { firstOf, literal, replaceRow } from "./expressions.ts";
import type { Expression, Stage } from "./expressions.ts";
import { holds, ringProves } from "./guards.ts";
import { Texts } from "./texts.ts";

/**
 * What became of a write, in the row's `answer.kind`: "gone" (it expired while the command waited), "known" (the id is in
 * the ring), "refused", or the number of the alternative that was applied.
 */
export type WriteKind = "gone" | "known" | "refused" | number;

/**
 * One conditional write, as the update of one findAndModify: the first alternative whose guards hold is applied. Equals
 * `apply` of core's transitions.ts at the clock reading that it leaves in `answer.at`.
 *
 * Stages: the clock; which alternative (`answer.kind`); the change. The row that comes back is the one that the guards
 * saw, or what it became, and carries the answer: a refusal writes that too, and nothing else.
 */
export function writePipeline(write: Write): readonly Stage[] {
  const texts = new Texts();
  const changes = write.alternatives.map(({ then }, index) => ({
    case: { $eq: ["$answer.kind", index] },
    then: changedRow(then, write, texts),
  }));
  return [
    READ_CLOCK,
    { $set: { "answer.kind": chosen(write) } },
    ...(changes.length === 0 ? [] : [replaceRow(texts.around(firstOf(changes, "$$ROOT")))]),
  ];
}

function chosen(write: Write): Expression {
  const proves = ringProves(write);
  return firstOf(
    [
      { case: { $not: [IS_VISIBLE] }, then: "gone" },
      { case: { $in: [literal(write.writeId), "$ringIds"] }, then: "known" },
      { case: laterThan(write.notAfterUs), then: "refused" },
      ...(proves === undefined ? [] : [{ case: { $not: [proves] }, then: "refused" }]),
      ...write.alternatives.map(({ when }, index) => ({ case: holds(when), then: index })),
    ],
    "refused",
  );
}
