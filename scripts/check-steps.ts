/** The checks that need no server: what `pnpm lint` runs, and what `pnpm test` runs first. */
import type { Step } from "./run-step.ts";

export const lintSteps: readonly Step[] = [
  { name: "format", command: ["oxfmt", "--check"], repair: "pnpm format" },
  { name: "lint", command: ["oxlint", "--deny-warnings"], repair: "pnpm exec oxlint --fix" },
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "knip", command: ["knip"] },
];
