import type { TaskRecord } from "@mcp-task-store/core";
import { COMMAND_NOW, FAIL_LATE } from "./clock.ts";
import { allOf, anyOf, cond, isNull, literal } from "./expressions.ts";
import type { Expression, Stage } from "./expressions.ts";

/**
 * The filter of a removal: the visible row of that id and scope. Where there is one and it is too late, the command fails
 * (`FAIL_LATE`): so nothing found means that there is none. Of another's row it looks at no more than its scope.
 */
export function removableRow({
  taskId,
  scope,
  notAfterUs,
}: {
  readonly taskId: string;
  readonly scope?: TaskRecord["scope"];
  readonly notAfterUs: number;
}): Stage {
  const isVisible = anyOf(isNull("$expiresAt"), { $gt: ["$expiresAt", COMMAND_NOW] });
  const isOurs: Expression = scope === undefined ? isVisible : allOf({ $eq: ["$scope", literal(scope)] }, isVisible);
  const inTime: Expression = { $lte: [COMMAND_NOW, Math.floor(notAfterUs / 1000)] };
  return { _id: { $eq: taskId }, $expr: cond(isOurs, cond(inTime, true, FAIL_LATE), false) };
}
