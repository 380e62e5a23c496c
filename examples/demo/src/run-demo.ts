/** Builds the stage, plays the story on it, and takes everything down again, whatever happened. */
import { memoryBackend } from "./backends/memory-backend.ts";
import { serverBackend } from "./backends/server-backend.ts";
import type { Claim } from "./claims.ts";
import type { DemoOptions } from "./command-line.ts";
import { TaskClient } from "@mcp-task-store/example-servers/task-client";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { expectedResult } from "./expected-result.ts";
import type { Printer } from "./printer.ts";
import { seededRandom } from "./seeded-random.ts";
import { Service } from "./server/service.ts";
import type { TaskServerOptions } from "./server/task-server.ts";
import { type Principal, TOKENS } from "./server/tokens.ts";
import { copySources, isRemoved, repositoryDirectory, type SourceCopy } from "./source-copy.ts";
import type { Stage } from "./stage.ts";
import { quietStoreOptions } from "./store-options.ts";
import { playStory } from "./story.ts";
import { Crew } from "./workers/crew.ts";

/** A task's work: about three seconds. */
const SLICES = 24;
const PAUSE_MS = 120;

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
  if (backendName !== "memory") printer.line(`Finding or starting a ${backendName} server …`);
  const say = (line: string): void => printer.line(printer.style("dim", line));
  const backend = down.use(backendName === "memory" ? memoryBackend() : await serverBackend(backendName, say));
  signal.throwIfAborted();

  const onTrouble = (line: string): void => printer.event(printer.style("yellow", line));
  const crew = new Crew((name) => backend.startWorker(name, onTrouble), signal);
  const store = down.use(backend.openStore(quietStoreOptions));
  await store.setup();
  down.defer(() => crew.stop());
  // The demo plays the job queue: what the server hands out goes to a worker that lives.
  const onDispatch: TaskServerOptions["onDispatch"] = (taskId, reason) => crew.handOver(taskId, reason);
  const service = await Service.start((port) => backend.startServer({ port, onDispatch, onTrouble }));
  down.defer(() => service.stop());
  const alice = down.use(await connect(service.url, "alice"));
  const bob = down.use(await connect(service.url, "bob"));
  const order = { directory: sources.directory, slices: SLICES, pauseMs: PAUSE_MS };
  const random = seededRandom(seed);
  return { backend, service, alice, bob, crew, store, order, expected, random, seed, printer, signal };
}

async function connect(url: URL, principal: Principal): Promise<TaskClient> {
  const authProvider = { token: () => Promise.resolve(TOKENS[principal]) };
  return await TaskClient.connect(new StreamableHTTPClientTransport(url, { authProvider }));
}

function introduce({ backend, expected, printer, seed, service }: Stage): void {
  const words = expected.words.toLocaleString("en");
  printer.line(`backend    ${backend.description}`);
  printer.line(`input      ${expected.files} Markdown and TypeScript files of ${repositoryDirectory}, ${words} words`);
  printer.line(`server     ${service.url.href}, ${service.current.where}; bearer tokens of alice and bob`);
  printer.line(`clients    this process, pid ${process.pid}: the official SDK's, over HTTP`);
  printer.line(`seed       ${seed}`);
  for (const limit of backend.limits) printer.line(printer.style("yellow", `not shown  ${limit}`));
}

async function leftBehind({ backend, crew, service }: Stage, sources: SourceCopy): Promise<Claim> {
  const alive = [
    ...service.everyone.filter((server) => server.isAlive).map(({ where }) => `server (${where})`),
    ...crew.everyone.filter((worker) => worker.isAlive).map(({ name, where }) => `${name} (${where})`),
  ];
  const left = [...alive, ...(isRemoved(sources) ? [] : [sources.directory]), ...(await backend.leftovers())];
  return {
    text: "nothing is left behind",
    holds: left.length === 0,
    figure:
      left.length === 0
        ? `${crew.everyone.length} workers, ${service.everyone.length} MCP servers, database and files: gone`
        : left.join(", "),
    lookAt: "examples/demo/src/run-demo.ts, workers/",
  };
}
