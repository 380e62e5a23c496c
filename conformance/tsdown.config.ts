import type { UserConfig } from "tsdown";
import { base } from "../tsdown.base.ts";

const config: UserConfig = { ...base, entry: ["src/index.ts", "src/vitest.ts", "src/targets.ts", "src/mutants.ts"] };

export default config;
