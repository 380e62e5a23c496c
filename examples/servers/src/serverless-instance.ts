/** Runs serverless.ts on Node as one instance of a platform: hands it requests, and says when there is nothing to do. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { announce } from "./listening.ts";
import { type Invocation, serverless } from "./serverless.ts";

/** Requests, cron calls, and work that was handed to `waitUntil`. */
let busy = 0;

async function counted<T>(work: Promise<T>): Promise<T> {
  busy += 1;
  process.send?.("busy");
  try {
    return await work;
  } finally {
    busy -= 1;
    if (busy === 0) process.send?.("idle");
  }
}

const invocation: Invocation = {
  waitUntil: (work) => void counted(work).catch(console.error),
};
const serve = toNodeHandler({ fetch: (request) => serverless.fetch(request, process.env, invocation) });

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "POST", url = "/mcp" } = request;
  if (url === "/cron") {
    await serverless.scheduled(undefined, process.env, invocation);
    response.end();
  } else {
    await serve(Object.assign(request, { method, url }), response);
  }
}

const server = createServer((request, response) => void counted(respond(request, response)));
server.listen(0, "127.0.0.1", () => announce(server));
// The platform is gone.
process.once("disconnect", () => process.exit(0));
