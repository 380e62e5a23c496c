/** Act 6, the last: the conformance kit judges this very store. */
import {
  describeReport,
  type Outcome,
  type Report,
  type RuleReport,
  runConformance,
} from "@mcp-task-store/conformance";
import type { Claim } from "../claims.ts";
import { seconds } from "../printer.ts";
import type { Stage } from "../stage.ts";
import { within } from "../within.ts";

/** It takes seconds, minutes on a busy machine; what hangs in it the kit itself ends. */
const DEADLINE_MS = 400_000;

const COLUMNS = [
  ["passed", "pass"],
  ["failed", "fail"],
  ["could not run", "could-not-run"],
  ["not applicable", "not-applicable"],
] as const;

export async function conformance(stage: Stage): Promise<readonly Claim[]> {
  const { backend, printer, signal, seed } = stage;
  const judging = runConformance(backend.target, {
    seed,
    onProgress: (rule, done, of) => {
      if (!signal.aborted)
        printer.progress("kit", { label: "rules", fraction: done / of, text: `${done} of ${of}: ${rule.id}` });
    },
  });
  const report = await within(DEADLINE_MS, "the conformance kit", signal, judging).finally(() =>
    printer.endProgress("kit"),
  );
  printTable(stage, report);
  if (report.verdict !== "conformant")
    for (const line of describeReport(report).split("\n")) printer.line(`   ${line}`);
  const counts = COLUMNS.map(([title, outcome]) => [title, countOf(report.rules, outcome)] as const);
  const figures = counts.filter(([, count]) => count > 0).map(([title, count]) => `${count} ${title}`);
  return [
    {
      text: "the conformance kit judges this store",
      holds: report.verdict === "conformant",
      figure: `${report.verdict}: ${report.rules.length} rules, ${figures.join(", ")}, in ${seconds(report.durationMs)}`,
      lookAt: "the rules named above; each says how to run it alone",
    },
  ];
}

function printTable({ printer }: Stage, report: Report): void {
  const themes = new Set(report.rules.map(themeOf));
  const head = COLUMNS.map(([title]) => title.padStart(15)).join("");
  printer.line(printer.style("dim", `   ${"theme".padEnd(12)}${head}`));
  for (const theme of [...themes, "all"]) {
    const rules = theme === "all" ? report.rules : report.rules.filter((rule) => themeOf(rule) === theme);
    const cells = COLUMNS.map(([, outcome]) => {
      const count = countOf(rules, outcome);
      const cell = String(count === 0 ? "·" : count).padStart(15);
      return count > 0 && (outcome === "fail" || outcome === "could-not-run") ? printer.style("red", cell) : cell;
    });
    printer.line(`   ${theme.padEnd(12)}${cells.join("")}`);
  }
  const verdict = printer.style(report.verdict === "conformant" ? "green" : "red", report.verdict);
  const version = report.version === undefined ? "" : ` ${report.version}`;
  printer.line(`   ${report.target}${version}: ${verdict} (${seconds(report.durationMs)}, seed ${report.seed})`);
}

function countOf(rules: readonly RuleReport[], outcome: Outcome): number {
  return rules.filter((rule) => rule.outcome === outcome).length;
}

function themeOf({ id }: RuleReport): string {
  return id.slice(0, id.indexOf("/"));
}
