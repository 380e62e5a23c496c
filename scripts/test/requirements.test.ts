/** conformance/requirements/*.yaml and the rules of the kit say the same, and leave out nothing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { requirements as shipped } from "../../conformance/src/index.ts";
import { rules } from "../../conformance/src/rules/catalogue.ts";
import { serverRules } from "../../conformance/src/server/rules/catalogue.ts";
import { moduleOf, readRequirementFiles, withRules } from "../requirement-files.ts";
import { rootDirectory } from "../workspace.ts";

const files = readRequirementFiles();
const requirements = files.flatMap((file) => file.requirements);
const known: ReadonlySet<string> = new Set(requirements.map(({ id }) => id));

/** No client can bring them about, or see whether they hold. */
const UNSEEN: readonly string[] = ["S-56", "S-63", "X-52"];

function idsOf(list: readonly { readonly id: string }[]): readonly string[] {
  return list.map(({ id }) => id);
}

function rulesOf(id: string): readonly string[] {
  return idsOf(rules.filter(({ source }) => source.includes(id)));
}

function serverRulesOf(id: string): readonly string[] {
  return idsOf(serverRules.filter(({ source }) => source.includes(id)));
}

function textOf(path: string): string {
  return readFileSync(join(rootDirectory, path), "utf8");
}

describe("the requirements", () => {
  it("have each an id of their own", () => {
    expect(requirements.length).toBeGreaterThan(150);
    expect(idsOf(requirements).filter((id, index, all) => all.indexOf(id) !== index)).toEqual([]);
  });

  it("are checked by a rule, or say why not, where they are a MUST or a SHOULD or a promise", () => {
    const open = requirements.filter(({ level, rules: checking, exclusion }) => {
      return level !== "may" && checking.length === 0 && exclusion === undefined;
    });
    expect(idsOf(open)).toEqual([]);
  });

  it("do not say why no rule checks them where one does", () => {
    const both = requirements.filter(
      ({ rules: checking, exclusion }) => checking.length > 0 && exclusion !== undefined,
    );
    expect(idsOf(both)).toEqual([]);
  });

  it("name no rule that the kit does not have", () => {
    const ids = new Set(idsOf([...rules, ...serverRules]));
    expect(requirements.flatMap((one) => [...one.rules, ...one.server]).filter((id) => !ids.has(id))).toEqual([]);
  });

  it("are the sources of all rules", () => {
    const strange = [...rules, ...serverRules].flatMap(({ id, source }) =>
      source.filter((each) => !known.has(each)).map((each) => [id, each]),
    );
    expect(strange).toEqual([]);
    expect(idsOf([...rules, ...serverRules].filter(({ source }) => source.length === 0))).toEqual([]);
  });

  it("of the wire that servers owe are judged on servers, here or by the official suite, or by no client", () => {
    const open = requirements.filter(({ run, level, on, server, official }) => {
      return run && level !== "may" && on !== "client" && server.length === 0 && official.length === 0;
    });
    expect(idsOf(open)).toEqual(UNSEEN);
  });
});

describe.each(files)("$path", (file) => {
  it("names at each requirement the rules that name it: pnpm requirements writes them", () => {
    expect(textOf(file.path)).toBe(withRules(file, rulesOf, serverRulesOf));
  });

  it("is what the kit reads: pnpm requirements makes that", () => {
    expect(textOf(file.modulePath)).toBe(moduleOf(file));
    expect(shipped.filter(({ id }) => idsOf(file.requirements).includes(id))).toEqual(file.requirements);
  });
});

describe("the checks of the official suite", () => {
  // The package has no export but its command.
  const suite = textOf("packages/fixture/node_modules/@modelcontextprotocol/conformance/dist/index.js");
  const inSuite = (check: string): boolean => new RegExp(`["'\`]${check}["'\`]`).test(suite);

  it("are there, where a requirement says that they are made", () => {
    expect(requirements.flatMap(({ official }) => official).filter((check) => !inSuite(check))).toEqual([]);
  });

  it("are not there, where it says that they never are", () => {
    expect(requirements.flatMap(({ declared }) => declared).filter(inSuite)).toEqual([]);
  });
});
