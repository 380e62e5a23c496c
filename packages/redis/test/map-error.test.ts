import { Redis, ReplyError } from "ioredis";
import { describe, expect, it } from "vitest";
import { TaskStoreError } from "@mcp-task-store/core";
import { type Doing, mapError, replyCode } from "../src/map-error.ts";

const OLD = "ERR Error running script (call to f_8f3a): @user_script:1: ";

function reply(message: string): Error {
  const error: unknown = Reflect.construct(ReplyError, [message]);
  if (!(error instanceof Error)) throw new Error("it is one");
  return Object.assign(error, { command: { name: "evalsha", args: ["secret"] } });
}

const lacking = (what: string): unknown =>
  expect.stringMatching(`the user lacks the right to .*${what.replace("|", "\\|")}`);

describe("errors", () => {
  it.each<readonly [string, Doing, object]>([
    ["OOM command not allowed when used memory > 'maxmemory'.", "writing", { retryable: true }],
    ["READONLY You can't write against a read only replica.", "writing", { retryable: true }],
    ["LOADING Redis is loading the dataset in memory", "reading", { retryable: true }],
    ["BUSY Redis is busy running a script.", "writing", { retryable: true }],
    ["MISCONF Redis is configured to save RDB snapshots", "writing", { retryable: true }],
    ["NOREPLICAS Not enough good replicas to write.", "writing", { retryable: true }],
    ["MASTERDOWN Link with MASTER is down", "reading", { retryable: true }],
    ["CLUSTERDOWN The cluster is down", "writing", { retryable: true }],
    ["TRYAGAIN Multiple keys request during rehashing of slot", "writing", { retryable: true }],
    [`${OLD}-OOM command not allowed when used memory > 'maxmemory'.`, "writing", { retryable: true }],
    [`${OLD}-READONLY You can't write against a read only replica.`, "writing", { retryable: true }],
    ["NOAUTH Authentication required.", "connecting", { retryable: false }],
    ["WRONGPASS invalid username-password pair or user is disabled.", "connecting", { retryable: false }],
    ["NOPERM this user has no permissions", "writing", { retryable: false }],
    ["NOPERM this user has no permissions to run the 'hset' command", "writing", { message: lacking("run hset") }],
    ["NOPERM User u has no permissions to run the 'config|get' command", "writing", { message: lacking("config|get") }],
    ["NOPERM No permissions to access a key", "writing", { message: lacking("keys") }],
    ["NOPERM No permissions to access a channel", "writing", { message: lacking("channel") }],
    [
      "ERR ACL failure in script: User u has no permissions to run the 'hset' command script: on @user_script:1.",
      "writing",
      { retryable: false, message: lacking("run hset") },
    ],
    ["WRONGTYPE Operation against a key holding the wrong kind of value", "writing", { retryable: false }],
    ["MOVED 12182 127.0.0.1:7002", "writing", { retryable: false, message: expect.stringContaining("`cluster`") }],
    ["CROSSSLOT Keys in request don't hash to the same slot", "writing", { retryable: false }],
    ["ERR unknown command 'EVALSHA', with args beginning with: 'secret'", "writing", { retryable: false }],
    ["ERR max number of clients reached", "connecting", { retryable: true }],
  ])("%s", (message, doing, expected) => {
    expect(mapError(reply(message), doing)).toMatchObject({ code: "STORE_UNAVAILABLE", ...expected });
  });

  it.each<readonly [Error, Doing, string]>([
    [new Error("the connection was lost"), "writing", "WRITE_OUTCOME_UNKNOWN"],
    [new Error("Command timed out"), "writing", "WRITE_OUTCOME_UNKNOWN"],
    [new Error("Connection is closed."), "reading", "STORE_UNAVAILABLE"],
    [Object.assign(new Error("connect"), { code: "ECONNREFUSED" }), "connecting", "STORE_UNAVAILABLE"],
    [new Error("Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN"), "writing", "STORE_UNAVAILABLE"],
  ])("%s while %s", (error, doing, code) => {
    expect(mapError(error, doing)).toMatchObject({ code });
  });

  it("are those of the node that let no client of a cluster in", () => {
    const error = Object.assign(new Error("Failed to refresh slots cache."), { lastNodeError: reply("WRONGPASS no") });
    expect(mapError(error, "connecting")).toMatchObject({
      retryable: false,
      message: expect.stringContaining("WRONGPASS"),
    });
  });

  it("of the store stay as they are", () => {
    const error = new TaskStoreError("CLOSED", "the store was closed");
    expect(mapError(error, "writing")).toBe(error);
  });

  it("hold nothing of what was sent, however they are printed", () => {
    for (const message of ["ERR unknown command, with args beginning with: 'secret'", "OOM secret"]) {
      const mapped = mapError(reply(message), "writing");
      expect(mapped.cause).toMatchObject({ name: "ReplyError", code: replyCode(reply(message)) });
      expect(printed(mapped)).not.toContain("secret");
    }
    const aborted = Object.assign(new Error("Command aborted"), { command: { name: "evalsha", args: ["secret"] } });
    expect(printed(mapError(aborted, "writing"))).not.toContain("secret");
  });

  it("are read from real replies too", async () => {
    const client = new Redis({ lazyConnect: true, port: 1, retryStrategy: () => null });
    client.on("error", () => {});
    const error: unknown = await client.get("secret").catch((reason: unknown) => reason);
    expect(mapError(error, "connecting")).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  });
});

function printed(error: Error): string {
  const { cause } = error;
  return [error.message, error.stack, JSON.stringify(error), cause instanceof Error ? printed(cause) : ""].join("\n");
}
