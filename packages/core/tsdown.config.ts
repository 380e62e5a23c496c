import type { UserConfig } from "tsdown";

const config: UserConfig = {
  entry: ["src/index.ts", "src/transitions.ts"],
  format: "esm",
  fixedExtension: false,
  dts: true,
  platform: "neutral",
  target: "node20.19",
  sourcemap: true,
};

export default config;
