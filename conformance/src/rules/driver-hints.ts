import type { TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { deferred } from "../deferred.ts";
import { freshId, insertOf, reportOf, rowOf } from "../driver-model/driver-calls.ts";
import { anyEnd, CouldNotRun, type Settled } from "../attempt.ts";
import type { Kit } from "../kit.ts";
import { defineRule, type Rule } from "../rule.ts";
import { settled, which } from "../wants.ts";

const ROUNDS = 30;

interface Hinted {
  readonly revision: number;
  readonly hints: number;
  /** As it was read at the last hint. */
  readonly row: TaskRecord | undefined;
}

function shows({ revision, row }: Pick<Hinted, "revision" | "row">): boolean {
  return (row?.revision ?? 0) >= revision;
}

/** Calls back at each hint about this task, until it is told to stop. */
type Listen = (taskId: string, onHint: () => void) => () => void;

/**
 * Writes, publishes, and looks in the other process at each hint, until one shows the write: the first may be about the
 * insert, where the backend itself tells of every change.
 */
async function hinted(kit: Kit, writer: TaskDriver, reader: TaskDriver, listen: Listen): Promise<Hinted> {
  const taskId = freshId();
  const reads: Promise<Settled<{ readonly row: TaskRecord | undefined }>>[] = [];
  const stop = listen(taskId, () => reads.push(anyEnd(rowOf(reader, taskId))));
  const revision = await writeAndPublish(writer, taskId);
  const lastRead = async (): Promise<TaskRecord | undefined> => {
    const end = await reads.at(-1);
    if (end?.kind === "rejected") throw new CouldNotRun("a read failed", { cause: end.error });
    return end?.value.row;
  };
  const row = await kit.until(lastRead, (read) => shows({ revision, row: read }));
  stop();
  return { revision, hints: reads.length, row };
}

async function writeAndPublish(writer: TaskDriver, taskId: string): Promise<number> {
  await writer.insert(insertOf(taskId));
  const answer = await writer.write(reportOf(taskId, "news"));
  await writer.hints?.publish([taskId]);
  return answer.kind === "gone" ? 0 : answer.row.revision;
}

export const hints: Rule = defineRule({
  id: "driver/hints",
  title: "A hint comes after its write can be read, and what may have been missed is said",
  level: "promise",
  source: ["P4"],
  needs: ["driver", "pushHints", "via"],
  mutants: ["hint-early", "gap-silent"],
  isolated: true,
  async act(kit) {
    const wire = kit.wire();
    const writer = await kit.driver();
    const reader = await kit.driver((backend) => wire.to(backend));
    let gap = deferred();
    const listeners = new Map<string, () => void>();
    await reader.hints?.subscribe({
      onHint: (taskIds) => {
        for (const taskId of taskIds) listeners.get(taskId)?.();
      },
      onGap: () => gap.resolve(),
    });
    const listen: Listen = (taskId, onHint) => {
      listeners.set(taskId, onHint);
      return () => listeners.delete(taskId);
    };
    const seen: Hinted[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const one = await hinted(kit, writer, reader, listen);
      // A hint may be lost: that is no fault of its order.
      if (one.hints > 0) seen.push(one);
      // Each that was waited for takes a deadline.
      if (!shows(one)) break;
    }
    if (seen.length === 0) throw new CouldNotRun("not one hint arrived");
    // A driver may have said so before, as it began to listen.
    gap = deferred();
    wire.cut();
    const missed = freshId();
    const caughtUp = new Promise<void>((resolve) => listen(missed, resolve));
    await writeAndPublish(writer, missed);
    wire.heal();
    return { seen, told: await kit.settles(Promise.race([gap.promise, caughtUp])) };
  },
  judge(expect, { seen, told }) {
    for (const { revision, row } of seen) {
      const news = which<TaskRecord | undefined>(`a row at revision ${revision} or later`, (read) =>
        shows({ revision, row: read }),
      );
      expect("write and publish in one process, and read in the other at the last hint of it", row, news);
    }
    expect(
      "cut the listener's connection while another writes, and let it come back: its hint, or the word that it may have missed one",
      told,
      settled,
    );
  },
});
