import { expect, it } from "vitest";
import { checkDue, decide } from "../../../conformance/src/driver-model/expected-answers.ts";
import type { ModelRows } from "../../../conformance/src/driver-model/expected-answers.ts";
import { insertOf, writeOf } from "../../../conformance/src/driver-model/driver-calls.ts";
import { createMemoryBackend, createMemoryDriver } from "../src/index.ts";

it("learns which of two rows was looked at also when they expire before they are read", async () => {
  const backend = createMemoryBackend({ clock: () => 1_700_000_000_000 });
  const driver = createMemoryDriver({ backend });
  const model: ModelRows = new Map();
  const insert = async (taskId: string, ttlMs: number, claimInMs: number): Promise<void> => {
    const answer = await driver.insert(insertOf(taskId, { ttlMs, claimInMs }));
    if (answer.kind !== "late") model.set(taskId, answer.row);
  };
  await insert("claimed (1)", 100, 5);
  await insert("claimed (2)", 100, 5);
  await insert("unclaimed", 1_000, 50);
  for (const taskId of ["claimed (1)", "claimed (2)"]) {
    const answer = await driver.write(writeOf(taskId, { when: {}, then: { claimInMs: null } }));
    if (answer.kind === "written") model.set(taskId, answer.row);
  }

  backend.advance(60);
  const first = checkDue(model, 1, 10, await driver.due(1, 10));
  expect(first.undecided).toHaveLength(2);
  backend.advance(100);
  expect([...first.complaints, ...(await decide(driver, model, first))]).toEqual([]);
  for (let looks = 0; looks < 3; looks += 1) {
    const look = checkDue(model, 1, 10, await driver.due(1, 10));
    expect([...look.complaints, ...(await decide(driver, model, look))]).toEqual([]);
  }
});
