import type { UserConfig } from "tsdown";
import { base } from "../../tsdown.base.ts";

const config: UserConfig = { ...base, entry: ["src/index.ts", "src/v1/index.ts", "src/v2/index.ts"] };

export default config;
