import { TaskStoreError } from "@mcp-task-store/core";
import type { DriverCallOptions } from "@mcp-task-store/core";
import type { Connection } from "./connection.ts";
import type { Keys } from "./keys.ts";
import type { CheckedOptions } from "./options.ts";
import { checkRights } from "./rights.ts";
import { asArray, asNumber, asText } from "./reply.ts";
import { SCRIPTS } from "./scripts.ts";

/** Of keys, fields and scripts. A later package that stores differently counts on. */
const LAYOUT_VERSION = 1;

const OLDEST_SERVER = [6, 2] as const;

/** What a primary says of itself. */
interface ServerFacts {
  readonly version: string;
  readonly isReplica: boolean;
  readonly evictionPolicy: string;
  readonly hasLog: boolean;
  /** Undefined: this user may not look. */
  readonly hasSnapshots: boolean | undefined;
  readonly logIsSyncedAlways: boolean | undefined;
}

/**
 * Looks whether the servers can keep tasks, warns of settings that may lose some, and leaves the scripts with them. There
 * are no tables to make: a store works without this, if less surely.
 * @throws TaskStoreError SCHEMA_NOT_READY if the keys are those of a newer package; NOT_SUPPORTED if the server is too old;
 *   INVALID_ARGUMENT if `durable` is claimed and not so; STORE_UNAVAILABLE, also of a replica, and if the user lacks a right
 */
export async function setUp(
  connection: Connection,
  keys: Keys,
  { durable, hints, onWarning }: Pick<CheckedOptions, "durable" | "hints" | "onWarning">,
  { signal }: DriverCallOptions,
): Promise<void> {
  const servers = await look(connection, signal);
  for (const { version } of servers) checkVersion(version);
  servers.forEach(checkPrimary);
  if (durable) servers.forEach(checkDurable);
  await checkRights(connection, keys, hints, signal);

  // What became of it without an answer does no harm: whoever calls again finds out. Hence "reading".
  const reply = await connection.run(SCRIPTS.knowLayout, [keys.layout], [String(LAYOUT_VERSION)], {
    doing: "reading",
    signal,
  });
  if (asNumber(reply) > LAYOUT_VERSION) {
    throw new TaskStoreError(
      "SCHEMA_NOT_READY",
      `the keys ${keys.prefix}… have layout ${asNumber(reply)}, this package knows ${LAYOUT_VERSION}: install a newer one`,
    );
  }
  await Promise.all(
    Object.values(SCRIPTS).map(({ text }) =>
      // Without the right to do so each script goes out in full once.
      connection.onEachPrimary("script", ["LOAD", text], signal).catch(ignoreRefusal),
    ),
  );

  const policy = servers.map(({ evictionPolicy }) => evictionPolicy).find((each) => each !== "noeviction");
  if (policy !== undefined) {
    onWarning({
      code: "EVICTION",
      message: `maxmemory-policy is ${policy}: a server that runs out of memory deletes tasks. Set it to noeviction.`,
    });
  }
  if (servers.some(({ hasLog, hasSnapshots }) => !hasLog && hasSnapshots === false)) {
    onWarning({
      code: "NO_PERSISTENCE",
      message: "Redis keeps nothing on its disk: a restart loses all tasks. Set appendonly to yes.",
    });
  } else if (servers.some(({ hasLog, hasSnapshots }) => !hasLog && hasSnapshots === undefined)) {
    onWarning({
      code: "NOT_CHECKED",
      message: "Redis has no append-only file, and this user may not ask whether it makes snapshots (CONFIG GET save).",
    });
  }
}

async function look(connection: Connection, signal: AbortSignal | undefined): Promise<readonly ServerFacts[]> {
  const infos = await connection.onEachPrimary("info", [], signal);
  const settings = (name: string): Promise<readonly unknown[] | undefined> =>
    connection.onEachPrimary("config", ["GET", name], signal).catch(ignoreRefusal);
  const [save, appendfsync] = await Promise.all([settings("save"), settings("appendfsync")]);
  return infos.map((reply, server) => {
    const info = fieldsIn(asText(reply));
    const snapshots = valueIn(save?.[server]);
    const sync = valueIn(appendfsync?.[server]);
    return {
      version: info.get("redis_version") ?? "",
      isReplica: info.get("role") === "slave",
      evictionPolicy: info.get("maxmemory_policy") ?? "noeviction",
      hasLog: info.get("aof_enabled") === "1",
      hasSnapshots: snapshots === undefined ? undefined : snapshots !== "",
      logIsSyncedAlways: sync === undefined ? undefined : sync === "always",
    };
  });
}

function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_SERVER;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const message = `the server is Redis ${version}; ${OLDEST_SERVER.join(".")} or later is needed`;
  throw new TaskStoreError("NOT_SUPPORTED", message);
}

/** One that takes writes all the same loses them when it hears of its primary again. */
function checkPrimary({ isReplica }: ServerFacts): void {
  if (!isReplica) return;
  const message = "the server is a replica: give its primary, or sentinels or nodes of a cluster that know it";
  throw new TaskStoreError("STORE_UNAVAILABLE", message, { retryable: true });
}

function checkDurable({ hasLog, logIsSyncedAlways }: ServerFacts): void {
  if (hasLog && logIsSyncedAlways !== false) return;
  const message = "options.durable is true, but the server does not run with appendonly yes and appendfsync always";
  throw new TaskStoreError("INVALID_ARGUMENT", message, { argument: "options.durable" });
}

/** Managed servers keep some commands to themselves. @throws whatever else went wrong */
function ignoreRefusal(error: unknown): undefined {
  if (error instanceof TaskStoreError && error.code === "STORE_UNAVAILABLE" && !error.retryable) return undefined;
  throw error;
}

/** The lines `name:value` of INFO. */
function fieldsIn(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\r\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)] as const] : [];
    }),
  );
}

/** Of a setting, as CONFIG GET answers it; undefined: there is none of that name, or no right to see it. */
function valueIn(reply: unknown): string | undefined {
  if (reply === undefined) return undefined;
  const [, value] = asArray(reply);
  return value === undefined ? undefined : asText(value);
}
