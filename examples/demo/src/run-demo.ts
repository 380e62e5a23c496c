/** Builds the stage, plays the story on it, and takes everything down again, whatever happened. */
import { memoryBackend } from "./backends/memory-backend.ts";
import { postgresBackend } from "./backends/postgres-backend.ts";
import type { Claim } from "./claims.ts";
import type { DemoOptions } from "./command-line.ts";
import { expectedResult } from "./expected-result.ts";
import type { Printer } from "./printer.ts";
import { seededRandom } from "./seeded-random.ts";
import { copySources, isRemoved, repositoryDirectory, type SourceCopy } from "./source-copy.ts";
import type { Stage } from "./stage.ts";
import { clientStoreOptions } from "./store-options.ts";
import { playStory } from "./story.ts";
import { asError } from "./within.ts";
import { Crew } from "./workers/crew.ts";

/** A task's work: about four seconds. */
const SLICES = 24;
const PAUSE_MS = 150;

/** @throws what `signal` fired with, or why the stage could not be built; all is taken down by then */
export async function runDemo(options: DemoOptions, printer: Printer, signal: AbortSignal): Promise<readonly Claim[]> {
  // What is built last is taken down first.
  await using down = new AsyncDisposableStack();
  const sources = copySources();
  down.defer(sources.remove);
  process.once("exit", sources.remove);
  const stage = await buildStage(options, printer, signal, sources, down);
  introduce(stage);
  try {
    const claims = await playStory(stage);
    await down.disposeAsync();
    return [...claims, await leftBehind(stage, sources)];
  } finally {
    printer.endAllProgress();
  }
}

async function buildStage(
  { backend: backendName, seed }: DemoOptions,
  printer: Printer,
  signal: AbortSignal,
  sources: SourceCopy,
  down: AsyncDisposableStack,
): Promise<Stage> {
  const expected = expectedResult(sources);
  if (backendName === "postgres") printer.line("Finding or starting a PostgreSQL server …");
  const backend = down.use(backendName === "postgres" ? await postgresBackend() : memoryBackend());
  signal.throwIfAborted();

  const onTrouble = (line: string): void => printer.event(printer.style("yellow", line));
  const crew = new Crew((name) => backend.startWorker(name, onTrouble), signal);
  const client = backend.openStore(
    clientStoreOptions(
      // The task of a lost worker goes to one that lives.
      (task) => void crew.handOver(task.taskId),
      (error) => onTrouble(`client: ${asError(error).message}`),
    ),
  );
  down.use(client);
  down.defer(() => crew.stop());
  await client.setup();
  const order = { directory: sources.directory, slices: SLICES, pauseMs: PAUSE_MS };
  return { backend, client, crew, order, expected, random: seededRandom(seed), seed, printer, signal };
}

function introduce({ backend, expected, printer, seed }: Stage): void {
  const words = expected.words.toLocaleString("en");
  printer.line(`backend    ${backend.description}`);
  printer.line(`input      ${expected.files} Markdown and TypeScript files of ${repositoryDirectory}, ${words} words`);
  printer.line(`client     this process, pid ${process.pid}`);
  printer.line(`seed       ${seed}`);
  for (const limit of backend.limits) printer.line(printer.style("yellow", `not shown  ${limit}`));
}

async function leftBehind({ backend, crew }: Stage, sources: SourceCopy): Promise<Claim> {
  const alive = crew.everyone.filter((worker) => worker.isAlive).map(({ name, where }) => `${name} (${where})`);
  const left = [...alive, ...(isRemoved(sources) ? [] : [sources.directory]), ...(await backend.leftovers())];
  return {
    text: "nothing is left behind",
    holds: left.length === 0,
    figure: left.length === 0 ? `${crew.everyone.length} workers, servers and files: gone` : left.join(", "),
    lookAt: "examples/demo/src/run-demo.ts, workers/",
  };
}
