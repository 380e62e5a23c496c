import { existsSync } from "node:fs";
import { MongoClient } from "mongodb";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { mongoIsLeftOut, type MongoService, pollUntil, startMongo } from "../src/index.ts";
import { isAlive } from "../src/processes.ts";
import { runDirectoriesOf, serversOfThisProcess } from "./run-directories.ts";

// These tests end servers: not one that was given.
delete process.env["MONGODB_URL"];
if (process.env["MCP_TASK_STORE_MONGODB"] === "env") delete process.env["MCP_TASK_STORE_MONGODB"];

async function connected(url: string): Promise<MongoClient> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 10_000, retryWrites: false });
  onTestFinished(() => client.close());
  return client.connect();
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.skipIf(mongoIsLeftOut())("a MongoDB server", () => {
  const lines: string[] = [];
  const directoriesBefore = runDirectoriesOf(process.pid);
  const serversBefore = serversOfThisProcess();
  let service: MongoService;

  beforeAll(async () => {
    service = await startMongo({ log: (line) => lines.push(line) });
  });

  afterAll(() => service.stop());

  it("says what it is, and plainly when it is a stand-in", () => {
    const said = lines.join("\n");
    expect(said).toMatch(/^mongodb \d+\.\d+\.\d+\S* \(.+\) on 127\.0\.0\.1:\d+$/m);
    expect(said.includes("a STAND-IN, not MongoDB")).toBe(service.isStandIn);
    expect(service.isStandIn).toBe(service.origin === "stand-in");
  });

  it("has change streams", async () => {
    const notes = (await connected(service.url)).db("change").collection("note");
    await notes.insertOne({ text: "first" });
    const stream = notes.watch();
    onTestFinished(() => stream.close());
    const seen: string[] = [];
    stream.on("error", () => {});
    stream.on("change", ({ operationType }) => seen.push(operationType));
    // The stream opens with its first read, so a change before that is not in it.
    let count = 0;
    await pollUntil(
      async () => {
        if (seen.length === 0) await notes.insertOne({ text: `note ${(count += 1)}` });
        return seen.length > 0;
      },
      { what: "a change" },
    );
    expect(seen[0]).toBe("insert");
  });

  it("keeps all that it acknowledged when it is killed in the midst of writes, at the same address", async () => {
    const client = await connected(service.url);
    const acknowledged: string[] = [];
    const notes = client.db("kill").collection<{ _id: string }>("note");
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let index = 0; ; index += 1) {
        const _id = `note-${writer}-${index}`;
        await notes.insertOne({ _id });
        acknowledged.push(_id);
      }
    });
    const ended = Promise.allSettled(writers);
    await pollUntil(() => acknowledged.length > 20, { what: "the first writes", everyMs: 1 });
    await service.kill("SIGKILL");
    await ended;
    await service.restart();
    const again = (await connected(service.url)).db("kill").collection<{ _id: string }>("note");
    const kept = (await again.find({ _id: { $in: acknowledged } }).toArray()).map(({ _id }) => _id);
    expect(kept.toSorted()).toEqual(acknowledged.toSorted());
  });

  it("paused answers nobody and closes nothing, and resumed answers", async () => {
    const client = await connected(service.url);
    await service.pause();
    const ping = (): Promise<unknown> => client.db("admin").command({ ping: 1 });
    let settled = false;
    // One build of the stand-in resets its connections when it goes on.
    const first = ping()
      .catch(() => undefined)
      .finally(() => {
        settled = true;
      });
    // Another server's whole start takes far longer than an answer of this one would.
    await using _ = await startMongo({ origin: service.origin });
    expect(settled).toBe(false);
    await service.resume();
    await first;
    expect(await ping()).toMatchObject({ ok: 1 });
  });

  it("leaves no process and no file once stopped, however often it is told", async () => {
    await Promise.all([service.stop(), service.stop()]);
    expect(serversOfThisProcess().filter((pid) => isAlive(pid) && !serversBefore.includes(pid))).toEqual([]);
    expect(runDirectoriesOf(process.pid).filter(existsSync)).toEqual(directoriesBefore);
  });

  it("of MONGODB_URL is used, never ended", async () => {
    await using server = await startMongo();
    vi.stubEnv("MONGODB_URL", server.url);
    vi.stubEnv("MCP_TASK_STORE_MONGODB", undefined);
    const given = await startMongo();
    expect(given).toMatchObject({ origin: "env", url: server.url, version: server.version, isStandIn: false });
    await expect(given.kill("SIGKILL")).rejects.toThrow(/not ours/);
    await given.stop();
    expect(await (await connected(server.url)).db("admin").command({ ping: 1 })).toMatchObject({ ok: 1 });
  });
});

describe("the choice of a MongoDB server", () => {
  it("refuses a variable it does not know", async () => {
    vi.stubEnv("MCP_TASK_STORE_MONGODB", "paht");
    await expect(startMongo()).rejects.toThrow(/"paht"; give env, path, docker, download or stand-in/);
  });

  it("says what to install when there is none", async () => {
    vi.stubEnv("MONGODB_URL", undefined);
    await expect(startMongo({ origin: "env" })).rejects.toThrow(/set MONGODB_URL.*install mongod/);
  });

  it("refuses a stand-in's program that is not there", async () => {
    vi.stubEnv("MCP_TASK_STORE_SECANTUSD", "/nowhere/secantusd-rs");
    await expect(startMongo({ origin: "stand-in" })).rejects.toThrow(/names no file: \/nowhere/);
  });
});
