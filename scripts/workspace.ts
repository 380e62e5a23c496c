/** What the scripts know about the repository: its root and its packages. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const rootDirectory: string = dirname(import.meta.dirname);

export interface WorkspacePackage {
  readonly name: string;
  readonly directory: string;
  /** Goes to the registry. */
  readonly published: boolean;
  /** Has code to build, so that a package that only has its manifest yet is left alone. */
  readonly hasSources: boolean;
  readonly scripts: Readonly<Record<string, string>>;
  readonly entries: readonly string[];
}

interface Manifest {
  name: string;
  private?: boolean;
  scripts?: Record<string, string>;
  exports?: Record<string, string>;
}

export function workspacePackages(): readonly WorkspacePackage[] {
  const manifests = globSync(["packages/*/package.json", "conformance/package.json", "examples/*/package.json"], {
    cwd: rootDirectory,
  });
  return manifests.toSorted().map((path) => {
    const manifest = JSON.parse(readFileSync(join(rootDirectory, path), "utf8")) as Manifest;
    const directory = join(rootDirectory, dirname(path));
    return {
      name: manifest.name,
      directory,
      published: manifest.private !== true,
      hasSources: existsSync(join(directory, "src")),
      scripts: manifest.scripts ?? {},
      entries: Object.keys(manifest.exports ?? {}).filter((entry) => entry !== "./package.json"),
    };
  });
}
