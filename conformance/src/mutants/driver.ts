import { isDeepStrictEqual } from "node:util";
import type { TaskDriver, TaskRecord, Write } from "@mcp-task-store/core";
import { apply } from "@mcp-task-store/core/transitions";
import { delegate } from "../driver-model/delegate.ts";
import { type Fault, FAULTY_DRIVERS } from "../driver-model/faulty-drivers.ts";
import { FAULTY_MESSAGES } from "../driver-model/faulty-messages.ts";
import { defineMutant, type Mutant } from "./mutant.ts";
import type { ReferenceBackend } from "./reference-backend.ts";

/** How many calls back a fault is looked for. */
const REMEMBERED = 64;

/** The faulty driver; `fired` is told when what it is asked or answers is not what the right one is asked or answers. */
function noticing(fault: Fault, driver: TaskDriver, fired: () => void): TaskDriver {
  const passed: unknown[] = [];
  const keep = (...values: readonly unknown[]): void => {
    passed.push(...values);
    passed.splice(0, passed.length - 2 * REMEMBERED);
  };
  const look = (...values: readonly unknown[]): void => {
    if (!values.every((value) => passed.some((known) => isDeepStrictEqual(known, value)))) fired();
  };
  const faulty = fault(around(driver, keep));
  return around(faulty, look);
}

function around(driver: TaskDriver, note: (call: unknown, answer: unknown) => void): TaskDriver {
  const noted =
    <Call, Options, Answer>(run: (call: Call, options: Options | undefined) => Promise<Answer>) =>
    async (call: Call, options?: Options): Promise<Answer> => {
      const answer = await run(call, options);
      note(structuredClone(call), structuredClone(answer));
      return answer;
    };
  const right = delegate(driver);
  const { messages } = right;
  return {
    ...right,
    insert: noted((call, options) => right.insert(call, options)),
    read: noted((call, options) => right.read(call, options)),
    write: noted((call, options) => right.write(call, options)),
    due: async (limit, holdMs, options) => {
      const answer = await right.due(limit, holdMs, options);
      note([limit, holdMs], structuredClone(answer));
      return answer;
    },
    ...(messages === undefined
      ? {}
      : {
          messages: {
            push: noted((call, options) => messages.push(call, options)),
            take: noted((call, options) => messages.take(call, options)),
          },
        }),
  };
}

/** One of the faults that drivers are compared with the reference for. */
function known(
  name: string,
  fault: string,
  killedBy: string,
  of: Readonly<Record<string, Fault>> = FAULTY_DRIVERS,
): Mutant {
  return defineMutant({
    name,
    fault,
    killedBy: [killedBy],
    mayAlso: ["driver"],
    bare(driver, { fired }) {
      const plant = of[name];
      if (plant === undefined) throw new TypeError(`no faulty driver is called ${name}`);
      return noticing(plant, driver, fired);
    },
  });
}

const GUARDS: readonly string[] = [
  "open",
  "status",
  "lease",
  "expectedInputs",
  "generation",
  "cancelRequested",
  "attemptsBelow",
  "claimOver",
  "runOver",
  "scope",
];

/** A write to a row that the mutant says how to see. */
function writing(
  name: string,
  fault: string,
  change: (row: TaskRecord, write: Write, backend: ReferenceBackend) => readonly [TaskRecord, Write] | undefined,
): Mutant {
  return defineMutant({
    name,
    fault,
    killedBy: ["driver/guards"],
    mayAlso: ["driver"],
    bare: (driver, { backend, fired }) => ({
      ...driver,
      async write(write, options) {
        const row = backend.rows.get(write.taskId);
        const changed = row && change(row, write, backend);
        if (changed === undefined) return driver.write(write, options);
        fired();
        const answer = apply(changed[0], changed[1], backend.nowUs());
        if (answer.kind === "written") backend.rows.set(write.taskId, answer.row);
        if (answer.kind === "gone") return answer;
        const { request: _request, outcome: _outcome, ...rest } = answer.row;
        return { ...answer, row: rest };
      },
    }),
  });
}

export const driver: readonly Mutant[] = [
  ...GUARDS.map((guard) =>
    known(`guard-${guard}-skipped`, `Writes do not look at the guard ${guard}.`, "driver/guards"),
  ),
  writing("guard-visible-skipped", "Writes land on rows that have expired.", (row, write, backend) => {
    if (row.expiresAt === null || row.expiresAt > backend.nowMs()) return undefined;
    return [{ ...row, expiresAt: null }, write];
  }),
  writing("expected-by-revision", "expectedInputs asks for the revision at which the inputs changed.", (row, write) => {
    const changedAt = row.ring.find(({ writeId }) => writeId === row.inputsId)?.revision;
    if (changedAt === undefined || changedAt === row.revision) return undefined;
    if (!write.alternatives.some(({ when }) => when.expectedInputs === row.inputsId)) return undefined;
    const alternatives = write.alternatives.map(({ when, then }) =>
      when.expectedInputs === row.inputsId
        ? { when: { ...when, expectedInputs: "another revision" }, then }
        : { when, then },
    );
    return [row, { ...write, alternatives }];
  }),
  writing("write-nulls", "What a change does not name is cleared.", (row, write) => {
    if (row.metadata === null) return undefined;
    const alternatives = write.alternatives.map(({ when, then }) => ({
      when,
      then: { ...then, set: { metadata: null, ...then.set } },
    }));
    return [row, { ...write, alternatives }];
  }),
  known("second-alternative", "Of several alternatives that hold the last one is applied.", "driver/guards"),
  known("late-attempt", "A write lands after notAfterUs.", "driver/guards"),
  known("write-twice", "A write whose id is in the ring is applied once more.", "driver/guards"),
  known("ring-cannot-tell-ignored", "A repeat is applied although the ring is too young to tell.", "driver/guards"),
  known("another-row-ignored", "A write is applied to a row of another createId.", "driver/guards"),
  known("born-later-ignored", "A repeat is applied to a later task of the same id.", "driver/guards"),
  known("quiet-is-loud", "A quiet write moves the revision.", "driver/guards"),
  known("refusal-read-again", "A refusal carries another state than its guards saw.", "driver/guards"),
  known("push-room-for-one-more", "A queue takes one message more than it may.", "driver/messages", FAULTY_MESSAGES),
  known("take-any-receipt", "A receipt is given something new each time.", "driver/messages", FAULTY_MESSAGES),
  known("take-newest-first", "Messages come out in the wrong order.", "driver/messages", FAULTY_MESSAGES),
];
