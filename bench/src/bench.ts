import { parseArgs } from "node:util";
import { startPostgres } from "@mcp-task-store/services";
import type { Measured } from "./alternate.ts";
import { memoryList } from "./memory-list.ts";
import { postgresReport } from "./postgres-report.ts";
import { wakeUp } from "./wake-up.ts";

const HELP = `pnpm bench [--rounds N]

Answers each performance question by a ratio, measured by turns in one run.
Times depend on the machine; compare ratios only.

  --rounds N   runs of each contender (default 1000)
  --help       this text`;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "1000" }, help: { type: "boolean", default: false } },
});
const rounds = Number(values.rounds);
if (values.help) {
  console.log(HELP);
} else if (!Number.isSafeInteger(rounds) || rounds < 10) {
  console.error(`--rounds must be an integer of 10 or more.\n\n${HELP}`);
  process.exitCode = 2;
} else {
  await bench();
}

async function bench(): Promise<void> {
  const postgres = await startPostgres({ log: (line) => console.log(line) });
  try {
    const ask = async (question: string, run: (url: string) => Promise<readonly Measured[]>): Promise<void> => {
      await using database = await postgres.freshDatabase();
      print(question, await run(database.url));
    };
    await ask("One report, one caller, Postgres", async (url) => await postgresReport(url, rounds));
    await ask("A finish and its wake-up in another store, Postgres", async (url) => await wakeUp(url, rounds));
    print("A page of 50, memory", await memoryList(rounds));
  } finally {
    await postgres.stop();
  }
}

function print(question: string, measured: readonly Measured[]): void {
  console.log(`\n${question} (median of ${rounds}, by turns)`);
  for (const { name, medianUs, ratio } of measured) {
    console.log(`  ${name.padEnd(54)} ${medianUs.toFixed(0).padStart(6)} µs   ${ratio.toFixed(2)} of the first`);
  }
}
