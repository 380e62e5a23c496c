import { Ajv } from "ajv";
import { SaxesParser } from "saxes";
import { beforeAll, describe, expect, it } from "vitest";
import {
  describeReport,
  jsonReport,
  junitReport,
  markdownReport,
  type Report,
  REPORT_SCHEMA,
  type RuleReport,
  runConformance,
} from "../src/index.ts";
import { mutants } from "../src/mutants.ts";
import { skippedOf } from "../src/report/totals.ts";

/** Of a store with a failure of each kind, and something of every other outcome. */
let report: Report;

function rule(id: string): RuleReport {
  const found = report.rules.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no rule ${id} in the report`);
  return found;
}

beforeAll(async () => {
  const wrong = mutants.find(({ name }) => name === "cancel-silent")?.plant().target;
  if (wrong === undefined) throw new Error("no mutant is called cancel-silent");
  const rules = ["cancel/terminal-rejected", "inputs/race", "list/next", "lifecycle/times"];
  const judged = await runConformance(wrong, {
    rules,
    seed: 7,
    replays: 2,
    timing: { minDeadlineMs: 2_500, rounds: 5 },
  });
  const [times, next, ...others] = ["lifecycle/times", "list/next"].map((id) => {
    const found = judged.rules.find((one) => one.id === id);
    if (found === undefined) throw new Error(`${id} was not played`);
    return found;
  });
  if (times === undefined || next === undefined || others.length > 0) throw new Error("two rules were wanted");
  report = {
    ...judged,
    command: "run 'my store.ts'",
    baseline: { known: [], fixed: [] },
    unproved: ["durable/reopen"],
    notes: ["it went <on>"],
    rules: [
      ...judged.rules.filter(({ id }) => id.startsWith("cancel/") || id.startsWith("inputs/")),
      { ...times, outcome: "not-applicable", reason: "needs restart" },
      { ...next, outcome: "could-not-run", reason: "the store said \u0000 ]]> & \ud800 | `quoted`" },
      { ...times, id: "lifecycle/known", outcome: "fail", known: "issue 1 | 2" },
      {
        ...times,
        id: "lifecycle/preview",
        outcome: "fail",
        preview: true,
        counts: false,
        rounds: { failed: 1, of: 2 },
      },
    ],
  };
});

/** Objects may have no member that the schema does not describe: those of the kit's own reports are all described. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  const members = Object.entries(schema).map(([key, value]): [string, unknown] => [key, strict(value)]);
  const closed = "properties" in schema && schema.properties !== undefined && "type" in schema;
  return Object.fromEntries(closed ? [...members, ["additionalProperties", false]] : members);
}

describe("the JSON report", () => {
  it("is the report, and as its schema says", () => {
    const parsed: unknown = JSON.parse(jsonReport(report));
    expect(parsed).toEqual(JSON.parse(JSON.stringify(report)));
    const validate = new Ajv({ allErrors: true }).compile(Object.assign({}, strict(REPORT_SCHEMA)));
    validate(parsed);
    expect(validate.errors).toBeNull();
  });

  it("says its format, and the strength of each race", () => {
    expect(JSON.parse(jsonReport(report))).toMatchObject({
      format: 1,
      rules: expect.arrayContaining([expect.objectContaining({ id: "inputs/race", strength: "forced" })]),
    });
  });
});

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** All elements in document order. @throws Error where it is no well-formed XML */
function elements(xml: string): readonly Element[] {
  const found: Element[] = [];
  const open: Element[] = [];
  const parser = new SaxesParser();
  parser.on("opentag", ({ name, attributes }) => {
    const element: Element = { name, attributes, text: "" };
    found.push(element);
    open.push(element);
  });
  parser.on("text", (text) => {
    const innermost = open.at(-1);
    if (innermost !== undefined) innermost.text += text;
  });
  parser.on("closetag", () => void open.pop());
  parser.write(xml).close();
  return found;
}

describe("the JUnit report", () => {
  it("is well-formed, whatever a store says, and counts right", () => {
    const all = elements(junitReport(report));
    const [suites] = all;
    expect(suites).toMatchObject({ name: "testsuites", attributes: { tests: "6", failures: "1", errors: "1" } });
    expect(suites?.attributes["skipped"]).toBe("3");
    for (const name of ["failure", "error", "skipped"]) {
      const counted = { failure: "failures", error: "errors", skipped: "skipped" }[name] ?? "";
      expect(all.filter((element) => element.name === name)).toHaveLength(Number(suites?.attributes[counted]));
    }
    expect(all.filter(({ name }) => name === "testsuite").map(({ attributes }) => attributes["name"])).toEqual([
      "cancel",
      "inputs",
      "lifecycle",
      "list",
    ]);
  });

  it("says in a failure all that a reader needs, and keeps out what is no XML", () => {
    const all = elements(junitReport(report));
    const failure = all.find(({ name }) => name === "failure");
    for (const text of ["did ", "saw ", "wanted ", "--rule cancel/terminal-rejected --seed 7"]) {
      expect(failure?.text).toContain(text);
    }
    const error = all.find(({ name }) => name === "error");
    expect(error?.attributes["message"]).toBe("the store said \uFFFD ]]> & \uFFFD | `quoted`");
    expect(all.filter(({ name }) => name === "system-out").map(({ text }) => text)).toEqual(["races: forced"]);
  });
});

describe("the Markdown report", () => {
  it("has a row for each rule, and a section for what did not pass", () => {
    const text = markdownReport(report);
    const rows = text.split("\n").filter((line) => line.startsWith("| `"));
    expect(rows).toHaveLength(report.rules.length);
    for (const row of rows) expect(row.replaceAll("\\|", "").split("|")).toHaveLength(7);
    expect(rows.find((row) => row.includes("inputs/race"))).toMatch(/\| pass \| forced \|/);
    expect(text).toMatch(/^## cancel-silent: nonconformant$/m);
    expect(text).toContain("#### `cancel/terminal-rejected`: ");
    expect(text).toContain("Note: it went \\<on\\>");
    expect(text).not.toContain("#### `lifecycle/times`");
  });
});

describe("what a store says", () => {
  it("moves no cursor, sets no colour and turns no line round", () => {
    const evil = "a\u001b[31mb\u001b]0;c\u0007d\u202ee\u0000\r";
    const hostile: Report = {
      ...report,
      target: evil,
      notes: [evil],
      rules: [{ ...rule("lifecycle/times"), reason: evil }],
    };
    for (const text of [describeReport(hostile), markdownReport(hostile)]) {
      expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
    }
    expect(() => elements(junitReport(hostile))).not.toThrow();
  });
});

describe("the pretty report", () => {
  it("ends with the verdict, and names what stays unproved, seeds and races", () => {
    const text = describeReport(report);
    expect(text.split("\n").at(-1)).toBe("cancel-silent: nonconformant");
    expect(text).toContain("unproved, since the target lends the kit no means: durable/reopen");
    expect(text).toContain("races: 1 forced");
    expect(text).toContain("ruleset 0.1");
    expect(text).toContain("run 'my store.ts' --rule cancel/terminal-rejected --seed 7");
    expect(text).toContain(`note: it went <on>`);
    expect(rule("cancel/terminal-rejected").replays).toEqual({ failed: 2, of: 2 });
  });

  it("says once what keeps many rules from running, and how to see it again", () => {
    const mistake = { outcome: "could-not-run", reason: "connect ECONNREFUSED" } as const;
    const times = rule("lifecycle/times");
    const rules = [
      ...["cancel/coop", "cancel/signal", "finish/final"].map((id) => ({ ...times, ...mistake, id })),
      { ...times, ...mistake, id: "ttl/gone", known: "issue 3" },
    ];
    const text = describeReport({ ...report, rules });
    expect(text.split("\n").slice(0, 4)).toEqual([
      "could-not-run  3 rules: cancel/*, finish/final",
      "  connect ECONNREFUSED",
      "  again   npx mcp-task-store-conformance run 'my store.ts' --rule cancel/coop --seed 7",
      expect.stringMatching(/^could-not-run {2}ttl\/gone: /),
    ]);
    const page = markdownReport({ ...report, rules });
    expect(page).toContain("#### 3 rules (could-not-run): cancel/\\*, finish/final\n\n```\nconnect ECONNREFUSED\n");
    expect(page.match(/^#### /gm)).toHaveLength(2);
    expect(page).toContain("| `finish/final` | must | could-not-run |  | as cancel/coop |");
  });

  it("names what is not applicable by its reason, and a whole theme once", () => {
    const times = rule("lifecycle/times");
    const skipped = [
      ["v1/codes", "needs sdkV1"],
      ["v1/fields", "needs sdkV1"],
      ["durable/reopen", "needs restart"],
      ["durable/outage", "needs via"],
      ["wait/outage", "needs via"],
    ].map(([id = "", reason = ""]) => ({ ...times, id, reason }));
    expect(skippedOf({ rules: [...skipped, { ...times, id: "wait/gap", outcome: "pass" }] })).toEqual([
      "not applicable, needs sdkV1: v1/*",
      "not applicable, needs restart: durable/reopen",
      "not applicable, needs via: durable/outage, wait/outage",
    ]);
  });
});
