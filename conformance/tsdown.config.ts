import type { UserConfig } from "tsdown";
import { base } from "../tsdown.base.ts";

const config: UserConfig = {
  ...base,
  entry: {
    index: "src/index.ts",
    vitest: "src/vitest.ts",
    "node-test": "src/node-test.ts",
    targets: "src/targets.ts",
    mutants: "src/mutants.ts",
    server: "src/server.ts",
    "sdk-v1": "src/sdk-v1.ts",
    history: "src/history.ts",
    bin: "src/bin.ts",
    // Run by processes of their own, found beside the others.
    "play-child": "src/supervised/play-child.ts",
    "exit-child": "src/process/exit-child.ts",
    "planted-target": "src/mutants/planted-target.ts",
  },
};

export default config;
