import type { Report, RuleReport } from "../report.ts";
import { remarksOn } from "./describe-rule.ts";

/** Rules that could not run, all for one reason. */
export interface Alike {
  readonly first: RuleReport;
  readonly ids: readonly string[];
}

/** By the id of each of them. One mistake in a target file keeps all rules from running: a reader is to be told once. */
export function alikeIn(report: Report): ReadonlyMap<string, Alike> {
  const groups = new Map<string, { readonly first: RuleReport; readonly ids: string[] }>();
  for (const rule of report.rules.filter(({ outcome }) => outcome === "could-not-run")) {
    const key = JSON.stringify([rule.reason, ...remarksOn(rule, report)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: rule, ids: [rule.id] });
    else group.ids.push(rule.id);
  }
  const several = [...groups.values()].filter(({ ids }) => ids.length > 1);
  return new Map(several.flatMap((group) => group.ids.map((id) => [id, group])));
}
