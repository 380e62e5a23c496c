/**
 * `pnpm pack-test [--node PATH]`: installs the packed packages into an empty project, as a user does, and imports
 * every entry there. `--node` names the Node that imports (the oldest supported one in CI). Needs a build.
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { workspacePackages } from "./workspace.ts";

const { values } = parseArgs({ options: { node: { type: "string", default: process.execPath } } });
const packages = workspacePackages().filter(({ published }) => published);
const directory = mkdtempSync(join(tmpdir(), "mcp-task-store-pack-"));
try {
  const tarballs: Record<string, string> = {};
  for (const { name, directory: source } of packages) {
    const target = join(directory, name.replace("/", "-"));
    execFileSync("pnpm", ["pack", "--pack-destination", target], { cwd: source, stdio: "ignore" });
    const [tarball] = globSync("*.tgz", { cwd: target });
    if (tarball === undefined) throw new Error(`pnpm pack made no tarball of ${name}`);
    tarballs[name] = `file:${join(target, tarball)}`;
  }
  // Overrides: the packages depend on each other by versions that no registry has yet.
  const manifest = { name: "consumer", private: true, type: "module", dependencies: tarballs, overrides: tarballs };
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--omit=peer"], { cwd: directory, stdio: "inherit" });

  // An entry for a test runner needs that runner, which a consumer without it does not import.
  const entries = packages.flatMap(({ name, entries }) => entries.map((entry) => join(name, entry)));
  const importable = entries.filter((entry) => !entry.endsWith("/vitest"));
  writeFileSync(
    join(directory, "import-all.js"),
    importable
      .map((entry) => `console.log(${JSON.stringify(entry)}, Object.keys(await import("${entry}")).length);`)
      .join("\n"),
  );
  execFileSync(values.node, ["import-all.js"], { cwd: directory, stdio: "inherit" });
} finally {
  rmSync(directory, { recursive: true, force: true });
}
