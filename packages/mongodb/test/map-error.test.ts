import { MongoNetworkError, MongoServerError, MongoServerSelectionError, MongoWriteConcernError } from "mongodb";
import { describe, expect, it } from "vitest";
import { type Doing, isDuplicateKey, isRefusal, mapError } from "../src/map-error.ts";

const server = (code: number): Error => new MongoServerError({ message: `a message with a "value" in it`, code });
const concern = (code: number): Error =>
  new MongoWriteConcernError({ ok: 1, writeConcernError: { code, errmsg: `waiting for a "value"` } });
/** With the labels that MongoDB puts on errors of writes. */
function labelled(...parts: readonly (string | number)[]): Error {
  const code = parts.find((part) => typeof part === "number") ?? 123_456;
  const errorLabels = parts.filter((part) => typeof part === "string");
  return new MongoServerError({ message: "?", code, errorLabels });
}
const network = (): Error => new MongoNetworkError("read ECONNRESET 10.0.0.1");
/** As that of another copy of mongodb is. */
const another = (code: number): Error => Object.assign(new Error(`a "value"`), { name: "MongoServerError", code });

describe("errors of the backend", () => {
  it.each<readonly [string, Error, Doing, string, boolean]>([
    ["write conflict", server(112), "writing", "STORE_UNAVAILABLE", true],
    ["not the primary", server(10107), "writing", "STORE_UNAVAILABLE", true],
    ["not the primary, and no secondary", server(13435), "writing", "STORE_UNAVAILABLE", true],
    ["disk full", server(14031), "writing", "STORE_UNAVAILABLE", true],
    ["a bug of ours", server(9), "writing", "STORE_UNAVAILABLE", true],
    ["no rights", server(13), "writing", "STORE_UNAVAILABLE", false],
    ["wrong password", server(18), "unsent", "STORE_UNAVAILABLE", false],
    ["no rights, of another copy of mongodb", another(13), "writing", "STORE_UNAVAILABLE", false],
    ["stepped down during a write", server(189), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["shutdown during a write", server(11600), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["interrupted by a new state", server(11602), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["stepped down during a read", server(189), "reading", "STORE_UNAVAILABLE", true],
    ["out of time during a write", server(50), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["killed during a write", server(11601), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["a router's time-out at a shard", server(202), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["a router that ends", server(90), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["a router's connections to a shard were dropped", server(145), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["interrupted for the storage", server(355), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["its client was marked as killed", server(46_841), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["an error without a code", new MongoServerError({ message: "?" }), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["not the primary, retryable", labelled("RetryableWriteError", 10107), "writing", "STORE_UNAVAILABLE", true],
    [
      "an error that MongoDB calls retryable",
      labelled("RetryableWriteError"),
      "writing",
      "WRITE_OUTCOME_UNKNOWN",
      false,
    ],
    [
      "one that wrote nothing, says MongoDB",
      labelled("RetryableWriteError", "NoWritesPerformed"),
      "writing",
      "STORE_UNAVAILABLE",
      true,
    ],
    [
      "a router's time-out at a shard, nothing written",
      labelled("NoWritesPerformed", 202),
      "writing",
      "STORE_UNAVAILABLE",
      true,
    ],
    ["write concern not met in time", concern(64), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["write concern that cannot be met", concern(100), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["write concern and a code nobody knows", concern(123_456), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["write concern of what may be repeated", concern(64), "reading", "STORE_UNAVAILABLE", true],
    ["reset during a write", network(), "writing", "WRITE_OUTCOME_UNKNOWN", false],
    ["reset during a read", network(), "reading", "STORE_UNAVAILABLE", true],
    ["reset before it was sent", network(), "unsent", "STORE_UNAVAILABLE", true],
    ["no server", new MongoServerSelectionError("none of 10.0.0.1", {} as never), "unsent", "STORE_UNAVAILABLE", true],
    [
      "no error at all",
      Object.assign(new Error(), { code: "ECONNREFUSED" }),
      "writing",
      "WRITE_OUTCOME_UNKNOWN",
      false,
    ],
    ["a row beyond 16 MiB", server(10334), "writing", "PAYLOAD_TOO_LARGE", false],
    ["a row beyond 16 MiB after an update", server(17419), "writing", "PAYLOAD_TOO_LARGE", false],
  ])("%s", (_, error, doing, code, retryable) => {
    const mapped = mapError(error, doing);
    expect(mapped).toMatchObject({ code, retryable, cause: error });
    expect(mapped.message).not.toMatch(/value"|10\.0\.0\.1/);
  });

  it("are a refusal when the server said no, and only then", () => {
    expect(isRefusal(server(16_608))).toBe(true);
    expect(isRefusal(concern(64))).toBe(false);
    expect(isRefusal(server(91))).toBe(false);
    expect(isRefusal(network())).toBe(false);
    expect(isDuplicateKey(another(11_000))).toBe(true);
    expect(isDuplicateKey(Object.assign(new Error("E11000"), { code: 11_000 }))).toBe(false);
  });
});
