/** What the four programs show on one server: a killed worker's task goes on, a cancel arrives, nothing is lost. */
import { join } from "node:path";
import { Child } from "@mcp-task-store/example-servers/child";
import { pollUntil } from "@mcp-task-store/services";

/** For whatever takes a lease, a round of maintenance and some steps, on a busy machine. */
const PATIENCE_MS = 60_000;

/** It loses its worker, and is cancelled in the hands of the next. */
const ENDLESS = "count-to-1000000";
const SHORT = ["count-to-3", "count-to-4", "count-to-5", "count-to-6"] as const;
const BROKEN = "count-to-nowhere";

export interface Show {
  readonly lines: readonly string[];
  readonly isGood: boolean;
}

/** @param storeUrl where the tasks live */
export async function show(storeUrl: string): Promise<Show> {
  const lines: string[] = [];
  let isGood = true;
  const check = (promise: string, seen: string | undefined, wanted: string): void => {
    const holds = seen === wanted;
    isGood &&= holds;
    lines.push(holds ? `  ok  ${promise}: ${seen}` : `  NO  ${promise}: ${seen}, not ${wanted}`);
  };
  await using down = new AsyncDisposableStack();
  const start = (program: string, args: readonly string[] = []): Child =>
    down.use(new Child(join(import.meta.dirname, program), { STORE_URL: storeUrl }, args));

  const workers = [start("worker.ts"), start("worker.ts")] as const;
  await Promise.all(workers.map((worker) => worker.line(/^ready/)));
  const names = [ENDLESS, ...SHORT, BROKEN];
  const producer = start("producer.ts", names);
  const ids = new Map<string, string>();
  for (const name of names) {
    const [line, taskId = ""] = await producer.line(new RegExp(`^task (\\S+) ${name}$`));
    ids.set(name, taskId);
    // As a queue that delivers twice: the lease lets one of the two work.
    for (const worker of workers) worker.write(line);
  }
  /** A line of either worker, as soon as it is there. */
  const said = async (what: string): Promise<{ readonly worker: Child; readonly line: string }> =>
    await pollUntil(
      () =>
        workers
          .flatMap((worker) => worker.lines.map((line) => ({ worker, line })))
          .find(({ line }) => line.startsWith(what)),
      { what: `a worker's line "${what}…"`, deadlineMs: PATIENCE_MS },
    );
  const outcome = async (name: string): Promise<string | undefined> => {
    const prefix = `outcome ${name} `;
    const line = await pollUntil(() => producer.lines.find((one) => one.startsWith(prefix)), {
      what: `the producer's line "${prefix}…"`,
      deadlineMs: PATIENCE_MS,
    });
    return line.slice(prefix.length);
  };

  for (const name of SHORT) check(`${name} was done once`, await outcome(name), "completed attempts 1");
  check("what throws fails its task", await outcome(BROKEN), "failed attempts 1");

  const { worker: victim } = await said(`working ${ids.get(ENDLESS)} attempt 1 `);
  await victim.kill();
  lines.push("      kill -9 of the worker in the middle of a task");
  const { line } = await said(`working ${ids.get(ENDLESS)} attempt 2 `);
  check("the other one took the task over", line.split(" ").slice(2, 4).join(" "), "attempt 2");
  const canceller = start("canceller.ts", [ids.get(ENDLESS) ?? ""]);
  check("and was stopped from a fourth process", await outcome(ENDLESS), "cancelled attempts 2");
  check("the canceller ended", await canceller.ended, "0");
  check("the producer heard of every end, and ended", await producer.ended, "0");
  for (const worker of workers.filter((one) => one !== victim)) check("the worker ended", await worker.end(), "0");
  return { lines, isGood };
}
