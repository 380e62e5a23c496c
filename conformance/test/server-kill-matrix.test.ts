import { startFixtureServer } from "@mcp-task-store/example-fixture-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeRule, type Report, type RuleReport } from "../src/index.ts";
import { judgeServer, serverMutants, serverRules, tamperingProxy } from "../src/server.ts";
import { KNOWN_CALLERS } from "./known-callers.ts";

/** Each mutant meets its killers and every so many other rules, others for each mutant. */
const SHARE = 24;

const stack = new AsyncDisposableStack();
let url: string;
beforeAll(async () => {
  ({ url } = stack.use(await startFixtureServer()));
});
afterAll(() => stack.disposeAsync());

function texts(report: Report, found: readonly RuleReport[]): string {
  return found.map((rule) => describeRule(rule, report)).join("\n");
}

describe("the catalogue", () => {
  it("has a mutant for each name that a rule must kill, and the other way round", () => {
    const named = serverRules.flatMap((rule) => rule.mutants.map((mutant) => `${mutant} by ${rule.id}`));
    const killed = serverMutants.flatMap((mutant) => mutant.killedBy.map((rule) => `${mutant.name} by ${rule}`));
    expect(named.toSorted()).toEqual(killed.toSorted());
    expect(new Set(serverMutants.map((mutant) => mutant.name)).size).toBe(serverMutants.length);
    expect(new Set(serverRules.map((rule) => rule.id)).size).toBe(serverRules.length);
    expect(serverRules.filter((rule) => rule.mutants.length === 0)).toEqual([]);
  });
});

describe("the reference server", () => {
  it("passes every rule of both generations", async () => {
    const report = await judgeServer(url, KNOWN_CALLERS);
    expect(
      texts(
        report,
        report.rules.filter((rule) => rule.outcome !== "pass"),
      ),
    ).toBe("");
    expect(report.verdict).toBe("conformant");
  });

  it("passes them through a proxy that changes nothing", async () => {
    await using proxy = await tamperingProxy(url, {});
    const report = await judgeServer(proxy.url, KNOWN_CALLERS);
    expect(
      texts(
        report,
        report.rules.filter((rule) => rule.outcome !== "pass"),
      ),
    ).toBe("");
  });
});

describe("broken servers", () => {
  it.concurrent.each(serverMutants)("$name is found: $fault", async (mutant) => {
    const { tampering, fired } = mutant.plant();
    await using proxy = await tamperingProxy(url, tampering);
    const others = serverRules
      .filter((rule, index) => index % SHARE === serverMutants.indexOf(mutant) % SHARE)
      .map(({ id }) => id);
    const generation = mutant.name.startsWith("x-") ? "2026-07-28" : "2025-11-25";
    const rules = [...mutant.killedBy, ...others.filter((id) => id.startsWith(mutant.name.slice(0, 1)))];
    const report = await judgeServer(proxy.url, { ...KNOWN_CALLERS, rules, generation });
    const survived = report.rules.filter(
      (rule) => mutant.killedBy.includes(rule.id) && (rule.outcome !== "fail" || rule.failure?.by !== "judge"),
    );
    const mayFail = (id: string): boolean =>
      [...mutant.killedBy, ...mutant.mayAlso].some((name) => id === name || id.startsWith(`${name}/`));
    const stray = report.rules.filter(
      (rule) => (rule.outcome === "fail" || rule.outcome === "could-not-run") && !mayFail(rule.id),
    );
    expect(texts(report, survived)).toBe("");
    expect(texts(report, stray)).toBe("");
    expect(fired()).toBeGreaterThan(0);
  });
});
