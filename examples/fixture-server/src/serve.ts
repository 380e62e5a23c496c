/** The server as a process: `node src/serve.ts [PORT]`. Ends on SIGTERM and Ctrl-C. */
import { once } from "node:events";
import { startFixtureServer } from "./fixture-server.ts";

const port = Number(process.argv[2] ?? 0);
if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError("give a port from 0 to 65535");
const server = await startFixtureServer({ port });
console.log(`fixture server: ${server.url}`);
await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
await server[Symbol.asyncDispose]();
