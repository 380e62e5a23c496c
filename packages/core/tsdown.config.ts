import type { UserConfig } from "tsdown";
import { base } from "../../tsdown.base.ts";

const config: UserConfig = {
  ...base,
  entry: ["src/index.ts", "src/adapter.ts", "src/message-queue.ts", "src/transitions.ts"],
  platform: "neutral",
};

export default config;
