/** What a process remembers of the questions it asks: those that are open, and no more. */
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { expect, it } from "vitest";
import { AskedRequests } from "../../src/v1/asked-requests.ts";
import { ClientConnection } from "../../src/v1/client-connection.ts";
import { ClientLink } from "../../src/v1/client-link.ts";
import { twoStores } from "../two-stores.ts";
import { gate } from "./test-tools.ts";

it("nothing of a task's questions is remembered once nobody waits for it, however it went", async () => {
  await using stores = twoStores();
  const { taskId } = await stores.a.createTask();
  const question = { method: "elicitation/create", params: { mode: "form", message: "?" } };
  const task = await stores.a.requestInputs(taskId, { one: question, two: question, three: question });
  const asking = new AskedRequests();
  const link = new ClientLink(InMemoryTransport.createLinkedPair()[0]);
  const connection = new ClientConnection(link, () => true, asking, new AbortController().signal);
  const over = gate();
  const ids: string[] = [];
  const note = asking.note.bind(asking);
  asking.note = (requestId, questions) => {
    ids.push(requestId);
    note(requestId, questions);
  };
  const waits: Promise<void>[] = [];
  for (const stream of Array.from({ length: 10 }, (_, at) => at)) {
    const shown = gate();
    const wait = connection.waiting(taskId, stream, async (questions, signal) => {
      await questions.show(task);
      shown.open();
      await over.passed;
      signal.throwIfAborted();
      if (stream % 2 === 0) throw new Error("It failed.");
    });
    waits.push(wait);
    await shown.passed;
    // Only the newest asks.
    expect(asking.size).toBe(3);
  }
  const [one = "", two = "", three = ""] = ids.slice(-3);
  expect(connection.noteAnswer(one)).toBe("open");
  await connection.repeat("one", one);
  expect(connection.noteAnswer(two)).toBe("open");
  expect(await connection.askAgain(task, "two", two)).toBe(true);
  expect(connection.noteAnswer(three)).toBe("open");
  expect(asking.size).toBe(3);
  over.open();
  await Promise.allSettled(waits);
  expect(asking.size).toBe(0);
  expect(connection.noteAnswer(ids.at(-1) ?? "")).toBe("withdrawn");
  expect(connection.noteAnswer("task-input/x/y/z")).toBe("unknown");
});
