import { TaskStoreError } from "@mcp-task-store/core";
import { encodeHints } from "@mcp-task-store/core/adapter";
import type { Connection } from "./connection.ts";
import type { Keys } from "./keys.ts";
import { TAGS } from "./keys.ts";
import { mapError } from "./map-error.ts";
import type { CheckedOptions } from "./options.ts";
import { asArray, asText } from "./reply.ts";
import { SCRIPTS } from "./scripts.ts";

/** Without a signal of the caller's. */
const ANSWER_WITHIN_MS = 10_000;

/**
 * Tries what the store's calls will do, on every primary: a right that is missing would else be found by the first call
 * that needs it, which may be the end of a task.
 * @throws TaskStoreError STORE_UNAVAILABLE that names what the user may not do
 */
export async function checkRights(
  connection: Connection,
  keys: Keys,
  hints: CheckedOptions["hints"],
  signal: AbortSignal = AbortSignal.timeout(ANSWER_WITHIN_MS),
): Promise<void> {
  // Scripts that a server forgot are sent in full.
  await connection.onEachPrimary("eval", ["return 1", "0"], signal);
  // Each node of a cluster has users of its own; with every tag none is left out.
  const tags = connection.isCluster ? TAGS : TAGS.slice(0, 1);
  const tries = tags.map(
    async (tag) => await connection.run(SCRIPTS.rights, [keys.probe(tag)], [], { doing: "reading", signal }),
  );
  await Promise.allSettled(tries);
  const lacking = new Set((await Promise.all(tries)).flatMap((reply) => asArray(reply).map(asText)));
  if (lacking.size > 0) {
    const names = [...lacking].map((name) => name.toLowerCase()).join(", ");
    const message = `the user lacks the right to run ${names} (README says what a user needs)`;
    throw new TaskStoreError("STORE_UNAVAILABLE", message, { retryable: false });
  }
  if (hints === "pubsub") {
    const [nothing = ""] = encodeHints([], 0);
    await connection.onEachPrimary("publish", [keys.channel, nothing], signal);
  }
  await checkOwnConnection(connection, keys, hints, signal);
}

/** What goes over connections of their own, or changes what the next command of a connection means. */
async function checkOwnConnection(
  connection: Connection,
  keys: Keys,
  hints: CheckedOptions["hints"],
  signal: AbortSignal,
): Promise<void> {
  const { command, close } = await connection.dedicate(signal);
  try {
    await command("ping", [], signal);
    if (connection.isCluster) await command("asking", [], signal);
    if (hints === "pubsub") await command("subscribe", [keys.channel], signal);
  } catch (error) {
    throw mapError(error, "reading");
  } finally {
    close();
  }
}
