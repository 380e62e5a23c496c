/** What the SDK's Streamable HTTP transport has open: its own books, since it tells nobody. */
import { pollUntil } from "@mcp-task-store/services";
import type { HttpServer } from "./http-server.ts";

const LISTENING = "_GET_stream";

/** How many answers it can still send. */
export function openStreams(transport: object | undefined): number {
  return streamsOf(transport).filter((id) => id !== LISTENING).length;
}

/** Until the client of the newest session listens. */
export async function listening({ sessions }: HttpServer): Promise<void> {
  await pollUntil(() => streamsOf([...sessions.values()].at(-1)).includes(LISTENING), {
    what: "a client that listens",
  });
}

function streamsOf(transport: object | undefined): readonly unknown[] {
  const http: unknown = transport && Reflect.get(transport, "_webStandardTransport");
  const streams: unknown = typeof http === "object" && http !== null ? Reflect.get(http, "_streamMapping") : undefined;
  if (!(streams instanceof Map)) throw new Error("The transport keeps its streams elsewhere.");
  return [...streams.keys()];
}
