/** The requirements as people write them, conformance/requirements/*.yaml, and as the kit reads them: TypeScript. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, isMap, isSeq, parseDocument } from "yaml";
import { z } from "zod";
import type { Requirement } from "../conformance/src/requirements/requirement.ts";
import { rootDirectory } from "./workspace.ts";

/** One file, and what is in it. */
export interface RequirementFile {
  /** From the root. */
  readonly path: string;
  /** Of the TypeScript module made from it, from the root. */
  readonly modulePath: string;
  readonly document: Document.Parsed;
  readonly requirements: readonly Requirement[];
}

const NAMES = ["2025-11-25", "2026-07-28", "promises"] as const;

const ids = z.array(z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "must be a check's id"));
const ruleIds = z.array(z.string().regex(/^[a-z0-9]+\/[a-z0-9-]+$/, "must be a rule's id"));
const sentence = z.string().regex(/^\S.*[.]$/s, "must be a sentence");

const requirementSchema = z.strictObject({
  id: z.string().regex(/^[SX]-\d\d$/, "must be S-… or X-… with two digits"),
  level: z.enum(["must", "should", "may"]),
  on: z.enum(["server", "client", "both"]),
  section: z.string().min(1),
  text: sentence,
  run: z.literal(true).optional(),
  rules: ruleIds.min(1).optional(),
  server: ruleIds.min(1).optional(),
  exclusion: sentence.optional(),
  official: ids.min(1).optional(),
  declared: ids.min(1).optional(),
});

const specificationSchema = z.strictObject({
  specification: z.enum(["2025-11-25", "2026-07-28"]),
  requirements: z.array(requirementSchema).min(1),
});

const promiseSchema = z.strictObject({
  id: z.string().regex(/^[PT]\d+$/, "must be P… or T…"),
  section: z.string().min(1),
  text: sentence,
  rules: ruleIds.min(1).optional(),
});

const promisesSchema = z.strictObject({ requirements: z.array(promiseSchema).min(1) });

/** @throws Error that names the file, and what is wrong in it */
export function readRequirementFiles(): readonly RequirementFile[] {
  return NAMES.map((name) => {
    const path = `conformance/requirements/${name}.yaml`;
    const document = parseDocument(readFileSync(join(rootDirectory, path), "utf8"));
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) throw new Error(`${path}: ${error.message}`);
    const modulePath = `conformance/src/requirements/generated-${name}.ts`;
    return { path, modulePath, document, requirements: requirementsIn(path, document.toJS()) };
  });
}

function requirementsIn(path: string, content: unknown): readonly Requirement[] {
  if (path.endsWith("/promises.yaml")) {
    const { requirements } = checked(path, promisesSchema, content);
    return requirements.map(({ id, section, text, rules = [] }) => {
      const level = "promise" as const;
      return {
        id,
        specification: null,
        level,
        on: "server",
        section,
        text,
        run: false,
        rules,
        server: [],
        official: [],
        declared: [],
      };
    });
  }
  const { specification, requirements } = checked(path, specificationSchema, content);
  return requirements.map(({ id, level, on, section, text, run = false, rules = [], exclusion, ...checks }) => {
    const { server = [], official = [], declared = [] } = checks;
    const duty = { id, specification, level, on, section, text, run };
    return { ...duty, rules, server, ...(exclusion === undefined ? {} : { exclusion }), official, declared };
  });
}

function checked<T>(path: string, schema: z.ZodType<T>, content: unknown): T {
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  throw new Error(`${path}:\n${z.prettifyError(result.error)}`);
}

/** The ids of rules that name a requirement as their source. */
export type RulesOf = (id: string) => readonly string[];

/** The file's text with the rules of each requirement as the rules themselves have it: those of stores, and of servers. */
export function withRules({ document }: RequirementFile, rulesOf: RulesOf, serverRulesOf: RulesOf): string {
  const items = document.get("requirements");
  if (!isSeq(items)) throw new TypeError("It was checked.");
  for (const item of items.items) {
    if (!isMap(item)) throw new TypeError("It was checked.");
    for (const [key, of] of Object.entries({ rules: rulesOf, server: serverRulesOf })) {
      const rules = of(String(item.get("id")));
      if (rules.length === 0) item.delete(key);
      else item.set(key, document.createNode(rules));
    }
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The module that the kit reads: one line for each requirement. */
export function moduleOf({ path, requirements }: RequirementFile): string {
  return [
    `// Made from ${path} by \`pnpm requirements\`.`,
    'import type { Requirement } from "./requirement.ts";',
    "",
    "export const requirements: readonly Requirement[] = [",
    ...requirements.map((requirement) => `  ${JSON.stringify(requirement)},`),
    "];",
    "",
  ].join("\n");
}
