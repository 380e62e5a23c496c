import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { dockerWorks } from "../src/docker-container.ts";
import { type PostgresOrigin, type PostgresService, startPostgres } from "../src/index.ts";
import { embeddedPostgres, installedPostgres } from "../src/postgres-installation.ts";
import { childrenOf, commandLine, isAlive } from "../src/processes.ts";
import { runDirectoriesOf } from "./run-directories.ts";

const allOrigins: readonly { origin: PostgresOrigin; here: boolean }[] = [
  { origin: "path", here: (await installedPostgres()) !== undefined },
  { origin: "docker", here: await dockerWorks() },
  { origin: "embedded", here: embeddedPostgres() !== undefined },
];
const origins = allOrigins.filter(({ here }) => here);
for (const { origin } of allOrigins.filter((each) => !origins.includes(each))) {
  process.stdout.write(`postgres of origin ${origin}: not on this machine, so not tested\n`);
}

async function query<Row extends object>(url: string, text: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(origins)("a Postgres server of origin $origin", ({ origin }) => {
  const lines: string[] = [];
  let service: PostgresService;
  let startedProcesses: readonly number[] = [];
  const directoriesBefore = runDirectoriesOf(process.pid);

  beforeAll(async () => {
    const before = childrenOf(process.pid);
    service = await startPostgres({ origin, fast: true, log: (line) => lines.push(line) });
    startedProcesses = childrenOf(process.pid).filter((pid) => !before.includes(pid));
  });

  // For a run in which a test before the last one failed.
  afterAll(() => service.stop());

  it("says in one line what it is, without the password", () => {
    const { host, password } = new URL(service.url);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^postgres \d+\.\d+ \(.+\) on 127\.0\.0\.1:\d+$/);
    expect(lines[0]).toContain(host);
    expect(lines[0]).not.toContain(password);
    expect(service).toMatchObject({ origin, version: expect.stringMatching(/^\d+\.\d+/) });
  });

  it("gives each caller a database of its own, and removes it", async () => {
    const one = await service.freshDatabase();
    await using two = await service.freshDatabase();
    await query(one.url, "create table note (text text)");
    await expect(query(two.url, "select * from note")).rejects.toMatchObject({ code: "42P01" });
    await one.drop();
    const left = await query(service.url, `select datname from pg_database where datname = '${one.name}'`);
    expect(left).toEqual([]);
  });

  it("keeps what it acknowledged over a kill and a restart, at the same address", async () => {
    await using database = await service.freshDatabase();
    await query(database.url, "create table note (text text)");
    await query(database.url, "insert into note values ('kept')");
    await service.kill("SIGKILL");
    await expect(query(database.url, "select 1")).rejects.toThrow(/ECONNREFUSED/);
    await service.restart();
    expect(await query(database.url, "select text from note")).toEqual([{ text: "kept" }]);
  });

  it("leaves no process and no file once stopped, however often it is told", async () => {
    const theirs = childrenOf(process.pid).flatMap(childrenOf);
    await Promise.all([service.stop(), service.stop()]);
    expect([...startedProcesses, ...theirs].filter(isAlive)).toEqual([]);
    expect(childrenOf(process.pid).filter((pid) => commandLine(pid)?.includes("postgres"))).toEqual([]);
    expect(runDirectoriesOf(process.pid)).toEqual(directoriesBefore);
  });
});

describe("a server that a process of this machine started", () => {
  it("takes connections on loopback only, and none without the password", async () => {
    await using service = await startPostgres({ origin: "embedded", fast: true });
    const rows = await query<{ addresses: string }>(
      service.url,
      "select current_setting('listen_addresses') as addresses",
    );
    expect(rows).toEqual([{ addresses: "127.0.0.1" }]);
    const guess = new URL(service.url);
    guess.password = "postgres";
    await expect(query(guess.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
  });

  it("waits for the disk unless told otherwise", async () => {
    await using durable = await startPostgres({ origin: "embedded" });
    const settings = "select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit";
    expect(await query(durable.url, settings)).toEqual([{ fsync: "on", commit: "on" }]);
  });

  it("starts many at once, each on a port of its own", async () => {
    const services: PostgresService[] = await Promise.all(
      Array.from({ length: 3 }, () => startPostgres({ origin: "embedded", fast: true })),
    );
    try {
      expect(new Set(services.map(({ url }) => new URL(url).port)).size).toBe(3);
    } finally {
      await Promise.all(services.map((service) => service.stop()));
    }
  });
});

describe("a server of POSTGRES_URL", () => {
  it("is used, never ended", async () => {
    await using server = await startPostgres({ origin: "embedded", fast: true });
    vi.stubEnv("POSTGRES_URL", server.url);
    vi.stubEnv("MCP_TASK_STORE_POSTGRES", undefined);
    const service = await startPostgres();
    expect(service).toMatchObject({ origin: "env", url: server.url });
    await expect(service.restart()).rejects.toThrow(/not ours/);
    await service.stop();
    expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  });
});

describe("the choice of a server", () => {
  it("refuses a variable it does not know", async () => {
    vi.stubEnv("MCP_TASK_STORE_POSTGRES", "paht");
    await expect(startPostgres()).rejects.toThrow(/"paht"; give env, path, docker or embedded/);
  });

  it("says what to install when there is none", async () => {
    vi.stubEnv("POSTGRES_URL", undefined);
    await expect(startPostgres({ origin: "env" })).rejects.toThrow(/set POSTGRES_URL.*apt install postgresql/);
  });
});
