import { referenceTarget } from "../src/mutants.ts";
import { describeConformance } from "../src/vitest.ts";

// Each rule is a test of its own here; a store that only knows its own process leaves some of them out.
describeConformance(referenceTarget(), { rules: ["cancel", "caps"], timing: { minDeadlineMs: 2_500, rounds: 5 } });
