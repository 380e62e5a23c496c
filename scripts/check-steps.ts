/** The checks that need no server: what `pnpm lint` runs, and what `pnpm test` runs first. */
import type { Step } from "./run-step.ts";

export const lintSteps: readonly Step[] = [
  { name: "format", command: ["oxfmt", "--check"], repair: "pnpm format" },
  { name: "lint", command: ["oxlint", "--deny-warnings"], repair: "pnpm exec oxlint --fix" },
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "knip", command: ["knip"] },
  // A package with generated files has a script `generate` that takes --check.
  { name: "generated files", command: ["pnpm", "-r", "--if-present", "run", "generate", "--check"] },
];

export const packageSteps: readonly Step[] = [
  { name: "build", command: ["pnpm", "-r", "--if-present", "run", "build"] },
  { name: "publint", command: ["node", "scripts/publint.ts"] },
];
