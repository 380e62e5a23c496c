/** Builds and packs a package as a release does, and unpacks it again to look inside. */
import { globSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { runCaptured } from "./run-captured.ts";
import type { WorkspacePackage } from "./workspace.ts";

export interface PackedPackage {
  /** The .tgz. */
  readonly tarball: string;
  /** Where it was unpacked. */
  readonly contents: string;
}

/** @param target an existing directory, for this package and others */
export async function packPackage({ name, directory }: WorkspacePackage, target: string): Promise<PackedPackage> {
  const home = join(target, name.replace("/", "-"));
  mkdirSync(home);
  await runCaptured("pnpm", ["run", "build"], { cwd: directory });
  await runCaptured("pnpm", ["pack", "--pack-destination", home], { cwd: directory });
  const [tarball] = globSync("*.tgz", { cwd: home });
  if (tarball === undefined) throw new Error(`pnpm pack made no tarball of ${name}`);
  // A relative name: tar takes what is before a colon for another machine.
  await runCaptured("tar", ["-xzf", tarball], { cwd: home });
  return { tarball: join(home, tarball), contents: join(home, "package") };
}
