import { which } from "../../wants.ts";
import { type HttpAnswer, NO_SUCH_ID } from "../http-answer.ts";
import { ModernTasks } from "../modern-tasks.ts";
import { defineServerRule, type ServerRule } from "../server-rule.ts";
import { errorCode } from "../server-wants.ts";

const INVALID_PARAMS = -32_602;

export const unknownId: ServerRule = defineServerRule({
  id: "x/unknown-id",
  title: "Updating or cancelling an unknown task is refused as invalid",
  level: "should",
  generation: "2026-07-28",
  source: ["X-33", "X-39", "X-51"],
  needs: [],
  mutants: ["x-unknown-id-acked", "x-unknown-id-internal"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    return { update: await tasks.update(NO_SUCH_ID, {}), cancel: await tasks.cancel(NO_SUCH_ID) };
  },
  judge(expect, { update, cancel }) {
    expect("update a task that there is not", update, errorCode(INVALID_PARAMS));
    expect("cancel a task that there is not", cancel, errorCode(INVALID_PARAMS));
  },
});

export const foreign: ServerRule = defineServerRule({
  id: "x/foreign",
  title: "Somebody else's task is answered as one that there is not",
  level: "must",
  generation: "2026-07-28",
  source: ["X-59", "X-50"],
  needs: ["slow_compute", "other"],
  mutants: ["x-foreign-shown"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("slow_compute", { seconds: 5 });
    const other = new ModernTasks(kit, kit.modern("other"));
    const on = async (id: string): Promise<Readonly<Record<string, HttpAnswer>>> => ({
      get: await other.get(id),
      update: await other.update(id, {}),
      cancel: await other.cancel(id),
    });
    const answers = { taskId, theirs: await on(taskId), none: await on(NO_SUCH_ID), own: await tasks.get(taskId) };
    await tasks.cancel(taskId);
    return answers;
  },
  judge(expect, { taskId, theirs, none, own }) {
    for (const [method, answer] of Object.entries(theirs)) {
      const unknown = none[method];
      const text = `what an unknown id gets: ${JSON.stringify(unknown?.message?.error ?? unknown?.message?.result)}`;
      const alike = which(text, (seen: HttpAnswer) => told(seen, taskId) === told(unknown, NO_SUCH_ID));
      expect(`tasks/${method} on somebody else's task`, answer, alike);
    }
    expect(
      "read it as its owner then",
      own,
      which("the task", ({ message }: HttpAnswer) => message?.result !== undefined),
    );
  },
});

/** What an answer says of an id, other than the id itself, which an error may repeat. */
function told(answer: HttpAnswer | undefined, id: string): string {
  const { error, result } = answer?.message ?? {};
  const text = error?.message.replaceAll(id, "<id>");
  return JSON.stringify([answer?.status, error?.code, text, Object.keys(result ?? {}).toSorted()]);
}
