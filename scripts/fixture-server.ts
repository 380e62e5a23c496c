/** `pnpm fixture-server`: the MCP server that outside judges look at. See --help. */
import { runFixtureServer } from "../packages/fixture/src/serve-command.ts";

process.exitCode = await runFixtureServer(process.argv.slice(2));
