import { isTaskStoreError, TaskStoreError } from "@mcp-task-store/core";
import { nameOfError as nameOf } from "@mcp-task-store/core/adapter";

/**
 * What was going on when it failed. connecting: nothing was sent, or what was sent was refused. reading: sent, and it
 * changes nothing. writing: sent, and it may have changed something.
 */
export type Doing = "connecting" | "reading" | "writing";

const MOVING = "a slot is being moved";

/** What a server says about itself and not about the command: later, or elsewhere, it would have taken it. */
const PASSING: ReadonlyMap<string, string> = new Map([
  ["OOM", "its memory is full (maxmemory)"],
  ["READONLY", "it is a replica"],
  ["LOADING", "it is reading its data"],
  ["BUSY", "a script keeps it busy"],
  ["MISCONF", "it cannot write to its disk"],
  ["NOREPLICAS", "too few replicas are connected"],
  ["MASTERDOWN", "it has lost its primary"],
  ["CLUSTERDOWN", "the cluster does not serve these slots"],
  ["TRYAGAIN", MOVING],
]);

const PART_OF_CLUSTER = "it is part of a cluster: give its nodes as `cluster`";

/** What the same call will meet again until somebody changes something. */
const LASTING: ReadonlyMap<string, string> = new Map([
  ["NOAUTH", "it wants a password"],
  ["WRONGPASS", "user or password are wrong"],
  ["NOPERM", "the user lacks a right"],
  ["WRONGTYPE", "a key of the store's prefix is used by somebody else"],
  // A client for clusters follows these two by itself.
  ["MOVED", PART_OF_CLUSTER],
  ["ASK", PART_OF_CLUSTER],
  ["CROSSSLOT", PART_OF_CLUSTER],
]);

/** Codes of Node's for a certificate that it does not accept. */
const UNTRUSTED = /CERT|UNABLE_TO_VERIFY/;

/** ioredis gives up following a cluster's redirections. */
const REDIRECTIONS = "Too many Cluster redirections";

/** Whether a call was refused since its slot is half here and half there. @param error of {@link mapError} */
export function isOfMovingSlot(error: unknown): boolean {
  return isTaskStoreError(error, "STORE_UNAVAILABLE") && error.message.includes(MOVING);
}

/** An error that a server sent as its answer. */
export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

/**
 * The code of an error that a server sent, "ERR" for those without one; undefined for any other error. Redis before 7
 * wraps what a command in a script answered: "ERR Error running script (call to f_…): @user_script:1: -OOM command …".
 * Later ones give no code to the lack of a right there.
 */
export function replyCode(error: unknown): string | undefined {
  if (!isReplyError(error)) return undefined;
  if (error.message.startsWith("ERR ACL failure in script")) return "NOPERM";
  const [, code = "ERR"] =
    /^(?:ERR Error (?:running|compiling) script .*?@\w+:\s?\d+: )?-?([A-Z][A-Z0-9]+)\b/s.exec(error.message) ?? [];
  return code;
}

/**
 * Every error of the backend, as a store's error. Texts of the server are not repeated, nor is its error the cause: they
 * quote commands with their values.
 *
 * - WRITE_OUTCOME_UNKNOWN: no answer came to a write that was sent.
 * - STORE_UNAVAILABLE: everything else. Scripts change the task last, or not at all: one that a server answered with an
 *   error has not changed it.
 */
export function mapError(error: unknown, doing: Doing): TaskStoreError {
  if (isTaskStoreError(error)) return error;
  if (error instanceof Error && "lastNodeError" in error && error.lastNodeError instanceof Error) {
    // A cluster of which no node let the client in.
    return mapError(error.lastNodeError, "connecting");
  }
  const options = { cause: withoutValues(error) };
  const code = replyCode(error);
  if (code === undefined) {
    if (error instanceof Error && error.message.startsWith(REDIRECTIONS)) {
      if (error.message.includes("TRYAGAIN")) {
        return new TaskStoreError(
          "STORE_UNAVAILABLE",
          `Redis refused: nothing was written (TRYAGAIN: ${MOVING})`,
          options,
        );
      }
      return new TaskStoreError("STORE_UNAVAILABLE", "the cluster's nodes sent the command round in circles", options);
    }
    if (doing === "writing") {
      return new TaskStoreError("WRITE_OUTCOME_UNKNOWN", "the connection to Redis was lost during a write", options);
    }
    const name = nameOf(error);
    const retryable = !UNTRUSTED.test(name);
    return new TaskStoreError("STORE_UNAVAILABLE", `Redis could not be reached (${name})`, { ...options, retryable });
  }
  const passing = PASSING.get(code);
  const lasting = LASTING.get(code);
  const why = passing ?? lackedRight(error) ?? lasting;
  const message = `Redis refused: nothing was written (${code}${why === undefined ? "" : `: ${why}`})`;
  // A server that has no room for a connection says so without a code.
  const retryable = passing !== undefined || (lasting === undefined && doing === "connecting");
  return new TaskStoreError("STORE_UNAVAILABLE", message, { ...options, retryable });
}

/** Of what the server says only a command's name is repeated. */
function lackedRight(error: unknown): string | undefined {
  if (replyCode(error) !== "NOPERM" || !(error instanceof Error)) return undefined;
  const [, command] = /permissions to run the '([\w|-]{1,40})' command/.exec(error.message) ?? [];
  if (command !== undefined) return `the user lacks the right to run ${command}`;
  if (/\bkeys?\b/.test(error.message)) return "the user lacks the right to keys of this prefix";
  if (/\bchannels?\b/.test(error.message)) return "the user lacks the right to the channel of this prefix";
  return undefined;
}

/** Errors of the system and of ioredis itself hold an address at most; those of a server quote what it was sent. */
function withoutValues(error: unknown): Error {
  const code = replyCode(error);
  if (code !== undefined) return Object.assign(new Error(`Redis answered ${code}`), { name: "ReplyError", code });
  if (error instanceof Error && !("command" in error)) return error;
  return new Error(nameOf(error));
}
