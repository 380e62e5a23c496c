import { NEWEST_RULESET } from "../ruleset.ts";

/** Always ES modules, whatever the package says of its own files. */
export const TARGET_FILE = "conformance.target.mts";

export const WORKFLOW_FILE = ".github/workflows/conformance.yml";

const TARGET_LINES: readonly string[] = [
  `// What the conformance kit judges: npx mcp-task-store-conformance run ${TARGET_FILE}`,
  'import { referenceStore, storeTarget, type Target } from "@mcp-task-store/conformance/targets";',
  "",
  "export const target: Target = storeTarget({",
  `  name: "the kit's own store", // until yours is in "open"`,
  `  ruleset: "${NEWEST_RULESET}", // newer rules are reported only, until you raise this`,
  "  // Opens a handle on the tasks of a namespace: opened twice it is what two processes would have. The id has",
  "  // lower-case letters, digits and underscores: a schema, a database or a key prefix.",
  "  open: (namespaceId, settings) => referenceStore(namespaceId, settings),",
  "});",
  "",
];

export const TARGET: string = TARGET_LINES.join("\n");

/** How a project installs what its lockfile says, and runs what it installed. */
interface PackageManager {
  readonly lockfile: string;
  readonly setup: readonly string[];
  readonly exec: string;
}

/** Runs what is installed, and never fetches a package of the command's name. */
const NPX = "npx --no --";

const PACKAGE_MANAGERS: readonly PackageManager[] = [
  { lockfile: "package-lock.json", setup: ["npm ci"], exec: NPX },
  { lockfile: "pnpm-lock.yaml", setup: ["corepack enable", "pnpm install --frozen-lockfile"], exec: "pnpm exec" },
  { lockfile: "yarn.lock", setup: ["corepack enable", "yarn install --immutable"], exec: "yarn" },
];

const WITHOUT_LOCKFILE: Omit<PackageManager, "lockfile"> = { setup: ["npm install"], exec: NPX };

/** A job that fails when the store does not conform, and shows the report in the run's summary. */
export function workflow(isThere: (file: string) => boolean): string {
  const { setup, exec } = PACKAGE_MANAGERS.find(({ lockfile }) => isThere(lockfile)) ?? WITHOUT_LOCKFILE;
  return `name: Conformance

on:
  push:
  pull_request:

permissions:
  contents: read

jobs:
  conformance:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: actions/setup-node@820762786026740c76f36085b0efc47a31fe5020 # v7.0.0
        with:
          node-version: 24
${setup.map((command) => `      - run: ${command}\n`).join("")}      - run: ${exec} mcp-task-store-conformance run ${TARGET_FILE} --reporter markdown --output "$GITHUB_STEP_SUMMARY"
`;
}
