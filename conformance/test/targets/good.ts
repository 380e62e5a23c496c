import { referenceStore, storeTarget, type Target } from "../../src/targets.ts";

export const target: Target = storeTarget({ name: "good", version: "1.2.3", open: referenceStore });
