/** The store that a variable names, with its server: what the process judges that `pnpm conformance` starts. */
import type { Target } from "../../conformance/src/targets.ts";
import { BACKEND_VARIABLE, BACKENDS } from "../backends.ts";

const name = process.env[BACKEND_VARIABLE] ?? "";
const open = BACKENDS[name];
if (open === undefined) throw new Error(`${BACKEND_VARIABLE} is "${name}"; give ${Object.keys(BACKENDS).join(", ")}`);
const opened = await open((line) => process.stderr.write(`${line}\n`));

export const target: Target = { ...opened.target, close: async () => opened[Symbol.asyncDispose]() };
