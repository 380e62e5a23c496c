/**
 * What a package shows to its users, as text for a reviewer: its declarations without their comments. It is kept under
 * `api/`, so that a change of the surface is seen in the diff; the test that compares it says how to renew it.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutComments } from "./source-files.ts";

/** Declarations that several entries share get a file of their own, its name with a hash of its text in it. */
const HASHED = /-[\w-]{8}(?=\.d\.ts$|\.js")/;

/** @param contents an unpacked package */
export function apiReport(name: string, contents: string): string {
  const paths = globSync("dist/**/*.d.ts", { cwd: contents }).map((path) => path.replaceAll("\\", "/"));
  const files = paths.toSorted().map((path) => {
    const text = withoutComments(readFileSync(join(contents, path), "utf8"));
    const shown = text.trim().replace(LIST, (list) => withoutPrivateNames(list, HASHED.test(path)));
    return `## ${path.replace(HASHED, "")}\n\n\`\`\`ts\n${shown}\n\`\`\`\n`;
  });
  return `# ${name}: public types\n\nMade by \`pnpm api-report\`.\n\n${files.join("\n")}`;
}

/** An import from a file of the package, or the exports of a file. */
const LIST = /^(?:import|export) (?:type )?\{[^}]*\}(?: from "\.[^"]*")?;$/gm;

/** The bundler names what its files share "a", "b" … anew each time. */
function withoutPrivateNames(list: string, shared: boolean): string {
  const [, start = "", names = "", end = ""] = /^([^{]*\{)([^}]*)(\}.*)$/s.exec(list) ?? [];
  const isImport = start.startsWith("import");
  if (!isImport && !shared) return list;
  const plain = names.split(",").map((each) => each.trim().replace(isImport ? /^\w{1,2} as / : / as \w{1,2}$/, ""));
  return `${start} ${plain.toSorted().join(", ")} ${end.replace(HASHED, "")}`;
}
