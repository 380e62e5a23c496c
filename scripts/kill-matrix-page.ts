/** docs/kill-matrix.md: which rules find which faults, as rules and mutants say it of themselves. */
import { rules } from "../conformance/src/index.ts";
import { type Mutant, variants } from "../conformance/src/mutants.ts";
import { allMutants as mutants } from "../conformance/src/mutants/all-mutants.ts";

export const PAGE_PATH = "docs/kill-matrix.md";

const HEAD = `# Kill matrix

Each rule of \`@mcp-task-store/conformance\` is judged itself: by stores with one fault each, and by stores that are right in another way than the one they are made from. This page is written by \`pnpm kill-matrix\`, which plays every rule on every mutant and says so when one of them is not as it stands here.

- **killed by**: these rules fail, each by its own expectation, with what it saw as the proof, and the fault did its harm.
- **may fail, too**: the fault touches these rules or themes, and it is a matter of timing whether it shows.
- Every other rule passes.
`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Rules and mutants by their names, as code. */
function names(list: readonly string[]): string {
  return list.map((name) => `\`${name}\``).join(", ");
}

/** A vertical bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** The themes in the catalogue's order. A mutant stands under that of the first rule that kills it. */
function themes(): ReadonlyMap<string, readonly Mutant[]> {
  const found = new Map<string, Mutant[]>(rules.map(({ id }) => [themeOf(id), []]));
  for (const mutant of mutants) found.get(themeOf(mutant.killedBy[0] ?? ""))?.push(mutant);
  return found;
}

function themeOf(ruleId: string): string {
  return ruleId.split("/", 1)[0] ?? ruleId;
}

/** The whole page. */
export function killMatrixPage(): string {
  const sections = [...themes()].map(([theme, members]) => {
    const rows = members.map(({ name, fault, killedBy, mayAlso }) => [
      `\`${name}\``,
      cell(fault),
      names(killedBy),
      names(mayAlso),
    ]);
    return `## ${theme}\n\n${table(["mutant", "what is wrong", "killed by", "may fail, too"], rows)}\n`;
  });
  const kills = rules.map(({ id, level, mutants: killed }) => [`\`${id}\``, level, names(killed)]);
  const free = variants.map(({ name, freedom }) => [`\`${name}\``, cell(freedom)]);
  return [
    HEAD,
    `${rules.length} rules, ${mutants.length} mutants, ${variants.length} stores that are right in their own way.\n`,
    ...sections,
    `## By rule\n\n${table(["rule", "level", "kills"], kills)}\n`,
    `## Right in their own way\n\nEvery rule passes on these; \`pnpm false-positives\` plays them, and the store that the mutants are made from, as often as one likes.\n\n${table(["store", "what it does"], free)}\n`,
  ].join("\n");
}
