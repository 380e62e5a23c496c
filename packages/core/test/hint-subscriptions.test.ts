import { expect, it } from "vitest";
import { pollUntil } from "@mcp-task-store/services";
import { encodeHints, HintSubscriptions, type Listen } from "../src/adapter.ts";

/** A backend that sends hints, and whose connections the test breaks. */
class Sender {
  readonly open: { readonly hear: (payload: string) => void; readonly lose: () => void }[] = [];
  fails = false;
  closed = 0;

  readonly listen: Listen = async (hear) => {
    if (this.fails) throw new Error("no connection");
    let lose: () => void = () => {};
    const lost = new Promise<void>((resolve) => {
      lose = resolve;
    });
    const connection = { hear, lose };
    this.open.push(connection);
    const close = (): void => {
      this.closed += 1;
    };
    return { lost, check: async () => undefined, close };
  };
}

class Heard {
  readonly taskIds: string[] = [];
  gaps = 0;

  onHint(taskIds: readonly string[]): void {
    this.taskIds.push(...taskIds);
  }

  onGap(): void {
    this.gaps += 1;
  }
}

it("keeps payloads within their limit, and loses no id", () => {
  const ids = Array.from({ length: 500 }, (_, index) => `${index}-${"😀".repeat(index % 100)}`);
  const payloads = encodeHints([...ids, ...ids], 7_900);
  expect(Math.max(...payloads.map((payload) => Buffer.byteLength(payload)))).toBeLessThanOrEqual(7_900);
  expect(payloads.flatMap((payload): string[] => JSON.parse(payload))).toEqual(ids);
});

it("uses one connection for all subscriptions, and closes it with the last", async () => {
  const sender = new Sender();
  const subscriptions = new HintSubscriptions(sender.listen);
  const [first, second] = [new Heard(), new Heard()];
  const ends = await Promise.all([subscriptions.subscribe(first), subscriptions.subscribe(second)]);
  expect(sender.open).toHaveLength(1);
  await ends[0]?.();
  sender.open[0]?.hear('["a","b"]');
  expect([first.taskIds, second.taskIds]).toEqual([[], ["a", "b"]]);
  expect(sender.closed).toBe(0);
  await ends[1]?.();
  expect(sender.closed).toBe(1);
  await subscriptions.close();
  await expect(subscriptions.subscribe(first)).rejects.toMatchObject({ code: "CLOSED" });
});

it("tells of a gap after a loss, and for what is no payload of ours", async () => {
  const sender = new Sender();
  const subscriptions = new HintSubscriptions(sender.listen);
  const heard = new Heard();
  await subscriptions.subscribe(heard);
  expect(heard.gaps).toBe(0);
  for (const nonsense of ["nonsense", "[1]", "{}", ""]) sender.open[0]?.hear(nonsense);
  expect(heard.gaps).toBe(4);
  sender.open[0]?.lose();
  await pollUntil(() => heard.gaps === 5, { what: "the gap" });
  expect([sender.open.length, sender.closed, heard.taskIds]).toEqual([2, 1, []]);
  await subscriptions.close();
});

it("resolves where it cannot listen yet, goes on trying, and tells of the gap", async () => {
  const sender = new Sender();
  sender.fails = true;
  const subscriptions = new HintSubscriptions(sender.listen);
  const heard = new Heard();
  await subscriptions.subscribe(heard);
  sender.fails = false;
  await pollUntil(() => heard.gaps === 1, { what: "the gap" });
  await subscriptions.close();
  expect(sender.closed).toBe(1);
});
