/** `pnpm official`: the official `tasks-*` scenarios on each backend. See --help. */
import { runOfficial } from "../packages/fixture/src/official-command.ts";

process.exitCode = await runOfficial(process.argv.slice(2));
