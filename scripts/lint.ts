/** `pnpm lint`: every check that needs no server. Runs them all, also after a failure. */
import { lintSteps } from "./check-steps.ts";
import { runStep } from "./run-step.ts";

let failed = 0;
for (const step of lintSteps) if ((await runStep(step)) !== undefined) failed += 1;
console.log(`${lintSteps.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
