/** For processes that the kit starts: the store of the process that started them, on the same server. */
import type { Target } from "../../conformance/src/targets.ts";
import { servedTarget, type Source, SOURCE_VARIABLE } from "./served-targets.ts";

const text = process.env[SOURCE_VARIABLE];
if (text === undefined) throw new Error(`${SOURCE_VARIABLE} is not set`);
const source: Source = JSON.parse(text);

export const target: Target = servedTarget(source);
