import type { UserConfig } from "tsdown";

/** How every published package is built. */
export const base: UserConfig = {
  format: "esm",
  fixedExtension: false,
  // Without it the declarations would point at a map that is not there.
  dts: { sourcemap: true },
  platform: "node",
  target: "node20.19",
  sourcemap: true,
};
