/** An empty project outside the workspace, as a user of the packages has it: npm only, nothing of ours around it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Captured, runCaptured } from "./run-captured.ts";

/** The oldest Node that the packages say they run on. */
export const OLDEST_NODE = "20.19.0";

export class NpmProject {
  readonly directory: string;

  /** Makes the directory. Its manifest says "ES modules" and nothing else. */
  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory);
    this.write("package.json", JSON.stringify({ private: true, type: "module" }));
  }

  /** Writes a file of the project, by its path in it. */
  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.directory, path)), { recursive: true });
    writeFileSync(join(this.directory, path), text);
  }

  /** @param packages what `npm install` takes: tarballs, names with versions */
  async install(...packages: readonly string[]): Promise<void> {
    await this.run("npm", ["install", "--no-audit", "--no-fund", ...packages]);
  }

  run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Captured> {
    return runCaptured(command, args, { cwd: this.directory, env });
  }

  /**
   * Type-checks the project's own files and every declaration that they reach, and emits into `out`.
   * @param options.skipLibCheck spares declarations: for projects that use those of others, which may have faults
   */
  async compile(files: readonly string[], { skipLibCheck = false }: { skipLibCheck?: boolean } = {}): Promise<void> {
    this.write("tsconfig.json", JSON.stringify({ compilerOptions: { ...STRICT, skipLibCheck }, files }));
    await this.run(join(this.directory, "node_modules", ".bin", "tsc"), ["--project", "."]);
  }
}

/** What a careful user sets; without `skipLibCheck`, so that our own declarations are judged too. */
const STRICT = {
  module: "nodenext",
  target: "es2022",
  types: ["node"],
  outDir: "out",
  rootDir: ".",
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
} as const;

/** Node 20 in a directory of its own, from npm. @returns its program */
export async function installOldestNode(directory: string): Promise<string> {
  const project = new NpmProject(directory);
  await project.install(`node@${OLDEST_NODE}`);
  return join(directory, "node_modules", "node", "bin", "node");
}

/** The Node that the workspace's own scripts run on. @returns its program */
export function workspaceNode(): string {
  return join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node");
}
