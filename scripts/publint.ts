/** `pnpm publint`: judges each published package as a user would get it, packed, with its published entries. Needs a build. */
import { workspacePackages } from "./workspace.ts";
import { runStep } from "./run-step.ts";

let failed = 0;
for (const { name, directory, published } of workspacePackages()) {
  if (!published) continue;
  const failure = await runStep({ name, command: ["publint", "run", directory, "--strict", "--pack", "pnpm"] });
  if (failure !== undefined) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
