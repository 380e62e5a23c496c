import { parseArgs } from "node:util";
import { startPostgres } from "@mcp-task-store/services";
import type { Measured } from "./alternate.ts";
import { memoryList } from "./memory-list.ts";
import { postgresReport } from "./postgres-report.ts";
import { tasksResult } from "./tasks-result.ts";
import { wakeUp } from "./wake-up.ts";

const HELP = `pnpm bench [--rounds N]

Answers each performance question by a ratio, measured by turns in one run.
Times depend on the machine; compare ratios only.

  report         what a report costs on Postgres, beside an update by hand
  wake-up        what it costs to wake a waiter in another store
  tasks-result   a blocked tasks/result after a finish in another process:
                 woken by the store, beside the SDK's own poll (fewer rounds)
  list           a page of many tasks beside one of few, in memory

  --rounds N   runs of each contender (default 1000)
  --help       this text`;

/** A contender that polls takes half a second: it gets as many fewer rounds. */
const POLLED = 25;

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
    const ask = async (
      question: string,
      run: (url: string, rounds: number) => Promise<readonly Measured[]>,
      times = rounds,
    ): Promise<void> => {
      await using database = await postgres.freshDatabase();
      print(question, await run(database.url, times), times);
    };
    await ask("One report, one caller, Postgres", postgresReport);
    await ask("A finish and its wake-up in another store, Postgres", wakeUp);
    await ask("tasks/result after a finish in another process, Postgres", tasksResult, Math.ceil(rounds / POLLED));
    print("A page of 50, memory", await memoryList(rounds), rounds);
  } finally {
    await postgres.stop();
  }
}

function print(question: string, measured: readonly Measured[], times: number): void {
  console.log(`\n${question} (${times} of each, by turns)`);
  for (const { name, medianUs, p95Us, ratio } of measured) {
    const [p50, p95] = [medianUs, p95Us].map((us) => us.toFixed(0).padStart(6));
    console.log(`  ${name.padEnd(54)} p50 ${p50} µs  p95 ${p95} µs   ${ratio.toFixed(2)} of the first`);
  }
}
