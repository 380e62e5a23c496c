import { describe, expect, it } from "vitest";
import { type Doing, leavesConnectionUsable, mapError } from "../src/map-error.ts";

const server = (code: string, severity = "ERROR"): Error =>
  Object.assign(new Error(`a message with a "value" in it`), { code, severity });
const network = (code: string): Error => Object.assign(new Error("read ECONNRESET 10.0.0.1"), { code });

describe("errors of the backend", () => {
  it.each<readonly [string, Error, Doing, string]>([
    ["serialization failure", server("40001"), "writing", "STORE_UNAVAILABLE"],
    ["deadlock", server("40P01"), "writing", "STORE_UNAVAILABLE"],
    ["deadlock, in German", server("40P01", "FEHLER"), "writing", "STORE_UNAVAILABLE"],
    ["lock timeout", server("55P03"), "writing", "STORE_UNAVAILABLE"],
    ["statement timeout", server("57014"), "writing", "STORE_UNAVAILABLE"],
    ["read-only", server("25006"), "writing", "STORE_UNAVAILABLE"],
    ["too many connections", server("53300", "FATAL"), "writing", "STORE_UNAVAILABLE"],
    ["starting up", server("57P03", "FATAL"), "writing", "STORE_UNAVAILABLE"],
    ["no rights", server("42501"), "writing", "STORE_UNAVAILABLE"],
    ["disk full", server("53100"), "writing", "STORE_UNAVAILABLE"],
    ["a bug of ours", server("42601"), "writing", "STORE_UNAVAILABLE"],
    ["prepared statement lost", server("26000"), "writing", "STORE_UNAVAILABLE"],
    ["wrong password", server("28P01", "FATAL"), "connecting", "STORE_UNAVAILABLE"],
    ["shutdown before anything was sent", server("57P01", "FATAL"), "connecting", "STORE_UNAVAILABLE"],
    ["shutdown during a write", server("57P01", "FATAL"), "writing", "WRITE_OUTCOME_UNKNOWN"],
    ["shutdown during a read", server("57P01", "FATAL"), "reading", "STORE_UNAVAILABLE"],
    ["crash during a write", server("57P02", "WARNING"), "writing", "WRITE_OUTCOME_UNKNOWN"],
    ["a pooler that lost its server", server("08006", "FATAL"), "writing", "WRITE_OUTCOME_UNKNOWN"],
    ["completion unknown", server("40003"), "writing", "WRITE_OUTCOME_UNKNOWN"],
    ["panic", server("XX000", "PANIC"), "writing", "WRITE_OUTCOME_UNKNOWN"],
    ["reset during a write", network("ECONNRESET"), "writing", "WRITE_OUTCOME_UNKNOWN"],
    ["reset during a read", network("ECONNRESET"), "reading", "STORE_UNAVAILABLE"],
    ["refused", network("ECONNREFUSED"), "connecting", "STORE_UNAVAILABLE"],
    ["missing table", server("42P01"), "writing", "SCHEMA_NOT_READY"],
    ["missing schema", server("3F000"), "reading", "SCHEMA_NOT_READY"],
    ["missing column", server("42703"), "reading", "SCHEMA_NOT_READY"],
    ["NUL in a text", server("22021"), "writing", "INVALID_ARGUMENT"],
    ["index entry too long", server("54000"), "writing", "INVALID_ARGUMENT"],
  ])("%s", (_, error, doing, code) => {
    const mapped = mapError(error, doing);
    expect(mapped).toMatchObject({ code, cause: error, message: expect.not.stringMatching(/value"|10\.0\.0\.1/) });
  });

  it("leave a connection usable only if the server answered and goes on", () => {
    expect(leavesConnectionUsable(server("40001"))).toBe(true);
    expect(leavesConnectionUsable(server("57P01", "FATAL"))).toBe(false);
    expect(leavesConnectionUsable(server("26000"))).toBe(false);
    expect(leavesConnectionUsable(network("ECONNRESET"))).toBe(false);
  });
});
