import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { openBackend, startFixtureServer } from "@mcp-task-store/fixture";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const BIN = join(ROOT, "conformance/src/bin.ts");
const ALICE = ["--header", "Authorization: Bearer alice"];
const BOB = ["--other-header", "Authorization: Bearer bob"];

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function judge(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [BIN, "server", ...args], { timeout: 150_000 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== "number") reject(new Error("it did not end", { cause: error }));
      else resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

describe("mcp-task-store-conformance server", () => {
  const stack = new AsyncDisposableStack();
  let url: string;
  beforeAll(async () => {
    const server = spawn(process.execPath, [join(ROOT, "examples/fixture-server/src/serve.ts")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(server, "exit");
    stack.defer(async () => {
      server.kill("SIGTERM");
      await ended;
    });
    const [line] = await once(server.stdout, "data");
    url = /http:\S+/.exec(String(line))?.[0] ?? "";
  });
  afterAll(() => stack.disposeAsync());

  it("judges a server of both generations, and keeps what it was told in secret", async () => {
    const { code, stdout, stderr } = await judge("--url", url, ...ALICE, ...BOB, "--anonymous", "--reporter", "json");
    const report = JSON.parse(stdout);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(report).toMatchObject({ format: 1, verdict: "conformant", target: url });
    expect(new Set(report.rules.map((rule: { outcome: string }) => rule.outcome))).toEqual(new Set(["pass"]));
    expect(stdout).not.toMatch(/alice|bob/);
  });

  it("leaves out what it was given no means for, and says which", async () => {
    const { code, stdout } = await judge(
      "--url",
      url,
      ...ALICE,
      "--rule",
      "x/foreign",
      "--rule",
      "s/list-hidden",
      "--rule",
      "s/http",
    );
    expect(code).toBe(0);
    expect(stdout).toContain("needs a second caller: x/foreign");
    expect(stdout).toContain("needs a server that serves callers it does not know: s/list-hidden");
  });

  it("needs the tools by the names that it is told", async () => {
    const { code, stdout } = await judge(
      "--url",
      url,
      "--tool",
      "greet=hello",
      "--rule",
      "s/forbidden-tool",
      "--rule",
      "s/http",
    );
    expect(code).toBe(0);
    expect(stdout).toContain("needs the tool hello, for greet: s/forbidden-tool");
  });

  it("leaves out a generation whose tasks a server does not declare, unless it is asked for", async () => {
    const { openStore } = stack.use(await openBackend("memory"));
    const modernOnly = stack.use(await startFixtureServer({ openStore }));
    const rules = ["--rule", "x/advertised", "--rule", "s/declared"];
    const { code, stdout } = await judge("--url", modernOnly.url, ...rules);
    expect(code).toBe(0);
    expect(stdout).toContain("the server declares no tasks of 2025-11-25: s/declared");
    const asked = await judge("--url", modernOnly.url, ...rules, "--generation", "2025-11-25", "--replays", "0");
    expect(asked).toMatchObject({ code: 1 });
  });

  it("ends with 3 when no server is there, and with 2 when it is called wrongly", async () => {
    const http = createServer();
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const address = http.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await new Promise((resolve) => http.close(resolve));
    const away = await judge("--url", `http://127.0.0.1:${port}/mcp`, "--rule", "x/advertised");
    expect(away).toMatchObject({ code: 3 });
    expect(away.stdout).toContain(
      `the server could not be reached; cause: Error: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
    expect(await judge()).toMatchObject({ code: 2 });
    expect(await judge("--url", "ftp://127.0.0.1")).toMatchObject({ code: 2 });
    expect(await judge("--url", url, "--tool", "grete=hello")).toMatchObject({ code: 2 });
    expect(await judge("--url", url, "--header", "no colon")).toMatchObject({ code: 2 });
  });

  it("says so when what answers is no MCP server, and gives no verdict", async () => {
    await using http = createServer((_, response) => response.writeHead(502).end("<html>"));
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const address = http.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const { code, stdout } = await judge("--url", `http://127.0.0.1:${port}/mcp`);
    expect(stdout).toContain("not applicable, no MCP message answered initialize, only HTTP 502: s/*");
    expect(stdout).toContain("not applicable, no MCP message answered server/discover, only HTTP 502: x/*");
    expect(code).toBe(3);
  });
});
