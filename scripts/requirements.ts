/** `pnpm requirements`: fills in which rules check which requirement, and makes the modules that the kit reads. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rules } from "../conformance/src/rules/catalogue.ts";
import { serverRules } from "../conformance/src/server/rules/catalogue.ts";
import { moduleOf, readRequirementFiles, type RulesOf, withRules } from "./requirement-files.ts";
import { rootDirectory } from "./workspace.ts";

const help = `Usage: pnpm requirements

Rules name their sources. This writes them the other way round into conformance/requirements/*.yaml, as \`rules\` of each
requirement, or \`server\` for rules about servers, and makes conformance/src/requirements/generated-*.ts from those files. A test fails while either is not
current, while a MUST or SHOULD has neither a rule nor an exclusion, and while a source is no requirement.

Options:
  --help   this text
`;

const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
if (values.help === true) {
  process.stdout.write(help);
} else {
  const naming =
    (all: readonly { readonly id: string; readonly source: readonly string[] }[]): RulesOf =>
    (id) =>
      all.filter(({ source }) => source.includes(id)).map((rule) => rule.id);
  for (const file of readRequirementFiles()) {
    writeFileSync(join(rootDirectory, file.path), withRules(file, naming(rules), naming(serverRules)));
  }
  for (const file of readRequirementFiles()) {
    writeFileSync(join(rootDirectory, file.modulePath), moduleOf(file));
    console.log(`${file.path} has ${file.requirements.length} requirements`);
  }
}
