import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { pollUntilTerminal, type PolledTask } from "../src/poll-until-terminal.ts";
import { twoProcesses } from "./two-processes.ts";

/** A reader that gives these tasks one after the other. */
function reader(...tasks: readonly (PolledTask | undefined)[]): () => Promise<PolledTask | undefined> {
  const left = [...tasks];
  return async () => left.shift();
}

const working: PolledTask = { status: "working", pollIntervalMs: 1 };

async function statuses(polling: AsyncIterable<PolledTask>): Promise<string[]> {
  const seen = [];
  for await (const task of polling) seen.push(task.status);
  return seen;
}

describe("pollUntilTerminal", () => {
  it("yields every state and the terminal one, then ends", async () => {
    const get = reader(working, { ...working, status: "input_required" }, { ...working, status: "failed" }, working);
    expect(await statuses(pollUntilTerminal(get, "t"))).toEqual(["working", "input_required", "failed"]);
  });

  it("reads a task of a store until it ends", async () => {
    const { a, b } = twoProcesses();
    const { taskId } = await a.createTask({ pollIntervalMs: 1 });
    const seen = [];
    for await (const task of pollUntilTerminal((id, options) => b.getTask(id, options), taskId)) {
      seen.push(task.status);
      if (task.status === "working") await a.finishTask(taskId, { status: "completed", result: {} });
    }
    expect(seen).toEqual(["working", "completed"]);
  });

  it("pauses as the task asks, else as the caller says, and never floods", async () => {
    for (const pollIntervalMs of [undefined, 0, -5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const before = performance.now();
      await statuses(
        pollUntilTerminal(reader({ status: "working", pollIntervalMs }, { status: "completed" }), "t", {
          defaultIntervalMs: 30,
        }),
      );
      expect(performance.now() - before).toBeGreaterThanOrEqual(25);
    }
    const before = performance.now();
    await statuses(
      pollUntilTerminal(reader({ ...working, pollIntervalMs: 30 }, { status: "completed" }), "t", {
        defaultIntervalMs: 10_000,
      }),
    );
    expect(performance.now() - before).toBeGreaterThanOrEqual(25);
  });

  it("pauses as a task of a peer asks, which names its interval otherwise", async () => {
    const peer = { status: "working", pollInterval: 30 } as const;
    const before = performance.now();
    // With the default it would not end before the test does.
    const polling = pollUntilTerminal(reader(peer, { ...peer, status: "completed" }), "t", {
      defaultIntervalMs: 86_400_000,
    });
    expect(await statuses(polling)).toEqual(["working", "completed"]);
    expect(performance.now() - before).toBeGreaterThanOrEqual(25);
  });

  it("rejects with TASK_NOT_FOUND when there is no task", async () => {
    await expect(statuses(pollUntilTerminal(reader(undefined), "t"))).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });

  it("passes the reader's errors through", async () => {
    const error = new Error("the peer is gone");
    await expect(statuses(pollUntilTerminal(() => Promise.reject(error), "t"))).rejects.toBe(error);
    const { signal } = new AbortController();
    await expect(statuses(pollUntilTerminal(() => Promise.reject(error), "t", { signal }))).rejects.toBe(error);
  });

  it.each([0, -1, 0.5, Number.NaN])("refuses the interval %s", async (defaultIntervalMs) => {
    await expect(statuses(pollUntilTerminal(reader(working), "t", { defaultIntervalMs }))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "options.defaultIntervalMs",
    });
  });

  it("ends with ABORTED before the first read", async () => {
    const signal = AbortSignal.abort("why");
    let reads = 0;
    const get = async (): Promise<PolledTask> => {
      reads += 1;
      return working;
    };
    await expect(statuses(pollUntilTerminal(get, "t", { signal }))).rejects.toMatchObject({
      code: "ABORTED",
      cause: "why",
    });
    expect(reads).toBe(0);
  });

  it("ends with ABORTED in the middle of a pause", async () => {
    const stop = new AbortController();
    const polling = pollUntilTerminal(reader({ ...working, pollIntervalMs: 3_600_000 }), "t", { signal: stop.signal });
    await polling.next();
    const next = polling.next();
    stop.abort();
    await expect(next).rejects.toMatchObject({ code: "ABORTED" });
    expect(getEventListeners(stop.signal, "abort")).toEqual([]);
  });

  it("ends with ABORTED in the middle of a read that takes no notice", async () => {
    const stop = new AbortController();
    const next = pollUntilTerminal(() => new Promise<PolledTask>(() => undefined), "t", { signal: stop.signal }).next();
    stop.abort();
    await expect(next).rejects.toMatchObject({ code: "ABORTED" });
    expect(getEventListeners(stop.signal, "abort")).toEqual([]);
  });

  it("hands the signal to the reader and leaves no listener on it", async () => {
    const { signal } = new AbortController();
    const given: unknown[] = [];
    const get = async (taskId: string, options: unknown): Promise<PolledTask> => {
      given.push(taskId, options);
      return given.length > 2 ? { status: "completed" } : working;
    };
    await statuses(pollUntilTerminal(get, "t", { signal }));
    expect(given).toEqual(["t", { signal }, "t", { signal }]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("stops when its consumer breaks out", async () => {
    let reads = 0;
    const get = async (): Promise<PolledTask> => {
      reads += 1;
      return working;
    };
    for await (const task of pollUntilTerminal(get, "t")) {
      expect(task).toBe(working);
      break;
    }
    expect(reads).toBe(1);
  });
});
