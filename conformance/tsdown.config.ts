import type { UserConfig } from "tsdown";

const config: UserConfig = {
  entry: ["src/index.ts", "src/vitest.ts", "src/targets.ts", "src/mutants.ts"],
  format: "esm",
  fixedExtension: false,
  // Without it the declarations would point at a map that is not there.
  dts: { sourcemap: true },
  platform: "node",
  target: "node20.19",
  sourcemap: true,
};

export default config;
