import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { pollUntil } from "../src/index.ts";
import { type Installation, installDirectory } from "../src/install-directory.ts";
import { childrenOf, isAlive } from "../src/processes.ts";

const fixture = fileURLToPath(new URL("fixtures/installer.ts", import.meta.url));

function setUp(): { cache: string; home: string } {
  const cache = mkdtempSync(join(tmpdir(), "mcp-task-store-cache-"));
  onTestFinished(() => rmSync(cache, { recursive: true, force: true }));
  return { cache, home: join(cache, "tool-1.0") };
}

/** Two files, so that half an installation is possible. */
const isUsable = async (home: string): Promise<boolean> =>
  existsSync(join(home, "one")) && existsSync(join(home, "two"));

function writes(text: string): Installation {
  return {
    isUsable,
    fill: async (draft) => {
      writeFileSync(join(draft, "one"), text);
      writeFileSync(join(draft, "two"), text);
    },
  };
}

describe("installDirectory", () => {
  it("puts everything in its place, and nothing else", async () => {
    const { cache, home } = setUp();
    await installDirectory(home, writes("a"));
    expect(readFileSync(join(home, "two"), "utf8")).toBe("a");
    expect(readdirSync(cache)).toEqual(["tool-1.0"]);
  });

  it("lets one of two at once prevail, whole", async () => {
    const { cache, home } = setUp();
    await Promise.all([installDirectory(home, writes("a")), installDirectory(home, writes("b"))]);
    expect(readFileSync(join(home, "one"), "utf8")).toBe(readFileSync(join(home, "two"), "utf8"));
    expect(readdirSync(cache)).toEqual(["tool-1.0"]);
  });

  it("replaces what does not work", async () => {
    const { home } = setUp();
    await installDirectory(home, { isUsable, fill: async (draft) => writeFileSync(join(draft, "one"), "half") });
    await installDirectory(home, writes("whole"));
    expect(readFileSync(join(home, "one"), "utf8")).toBe("whole");
  });

  it("leaves nothing when a step fails, and says what failed", async () => {
    const { cache, home } = setUp();
    const failing = installDirectory(home, {
      isUsable,
      fill: (draft, step) => step(process.execPath, ["-e", "console.error('no room'); process.exit(1)", draft]),
    });
    await expect(failing).rejects.toMatchObject({ stderr: "no room\n" });
    expect(readdirSync(cache)).toEqual([]);
  });

  it("leaves no file and no process when it is killed in the midst", async () => {
    const { cache, home } = setUp();
    const installer: ChildProcess = spawn(process.execPath, [fixture, home], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void installer.kill("SIGKILL"));
    if (installer.pid === undefined || installer.stdout === null) throw new Error("the installer did not start");
    await once(createInterface({ input: installer.stdout }), "line");
    const { pid } = installer;
    await pollUntil(() => childrenOf(pid).length === 2, { what: "the step and the watchdog" });
    const processes = childrenOf(pid);
    const [draft = ""] = readdirSync(cache);
    expect(readdirSync(cache)).toEqual([draft]);
    // A step is noted right after it was started: who is killed in between has nobody to say so.
    await pollUntil(() => existsSync(join(cache, draft, "processes")), {
      what: "the step to be noted",
    });
    const gone = once(installer, "exit");
    installer.kill("SIGKILL");
    await gone;
    await pollUntil(() => !processes.some(isAlive), {
      what: "the step and the watchdog to end",
    });
    await pollUntil(() => readdirSync(cache).length === 0, { what: "the draft to be removed" });
  });
});
