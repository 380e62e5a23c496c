import type { JsonObject } from "@mcp-task-store/core";
import { equalTo } from "../../wants.ts";
import { answersTo, ModernTasks } from "../modern-tasks.ts";
import { defineServerRule, type ServerRule } from "../server-rule.ts";
import { is, objectWith, resultWith } from "../server-wants.ts";
import { objectIn, textIn } from "../wire-message.ts";

/** What was open at a reading of the task, and which keys had been answered by then. */
interface Look {
  readonly open: JsonObject;
  readonly answered: readonly string[];
}

/** More than any tool of this kit asks. */
const MANY = 8;

export const keys: ServerRule = defineServerRule({
  id: "x/input-keys",
  title: "A key stands for one question, and never comes back once it is answered",
  level: "must",
  generation: "2026-07-28",
  source: ["X-28", "X-29", "X-18"],
  needs: ["multi_input"],
  mutants: ["x-key-comes-back", "x-key-reused", "x-key-changes"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("multi_input");
    await tasks.asking(taskId);
    const answered: string[] = [];
    const looks: Look[] = [];
    const look = async (): Promise<JsonObject> => {
      const task = await tasks.task(taskId);
      const open = textIn(task, "status") === "input_required" ? objectIn(task, "inputRequests") : {};
      looks.push({ open, answered: [...answered] });
      return open;
    };
    await look();
    for (let open = await look(); Object.keys(open).length > 0 && answered.length < MANY; open = await look()) {
      const [first = ""] = Object.keys(open);
      await tasks.update(taskId, answersTo({ [first]: open[first] }));
      answered.push(first);
      // The answer may take effect later than its acknowledgement.
      await kit.until(look, (left) => !Object.hasOwn(left, first));
    }
    return looks;
  },
  judge(expect, looks) {
    const first: Record<string, unknown> = {};
    for (const { open } of looks) {
      for (const [key, question] of Object.entries(open)) {
        first[key] ??= question;
        expect(`read the question ${key} again`, question, equalTo(first[key]));
      }
    }
    const gone = looks.map(({ open, answered }) => answered.filter((key) => !Object.hasOwn(open, key)));
    const back = looks.flatMap(({ open }, at) => {
      return Object.keys(open).filter((key) => gone.slice(0, at).some((keys) => keys.includes(key)));
    });
    expect("answer the questions one by one: keys that were gone and came back", back, equalTo([]));
    const last = looks.at(-1);
    const left = last?.answered.filter((key) => Object.hasOwn(last.open, key));
    expect("the same: keys that stay open though they were answered", left, equalTo([]));
  },
});

export const unknownKeys: ServerRule = defineServerRule({
  id: "x/unknown-keys",
  title: "Answers to questions that are not open are ignored",
  level: "should",
  generation: "2026-07-28",
  source: ["X-34"],
  needs: ["confirm_delete"],
  mutants: ["x-unknown-key-refused", "x-unknown-key-ends"],
  async act(kit) {
    const tasks = new ModernTasks(kit);
    const taskId = await tasks.start("confirm_delete");
    const questions = await tasks.asking(taskId);
    const [good = {}] = Object.values(answersTo(questions));
    const stranger = await tasks.update(taskId, { "never-asked": good });
    const between = await tasks.task(taskId);
    const both = await tasks.update(taskId, { ...answersTo(questions), "never-asked": good });
    const ended = await tasks.reaching(taskId, "completed");
    return { stranger, between, both, late: await tasks.update(taskId, answersTo(questions)), ended };
  },
  judge(expect, { stranger, between, both, late, ended }) {
    const ignored = resultWith({ resultType: is("complete") });
    expect("answer a question that was never asked", stranger, ignored);
    expect("read the task then", between, objectWith({ status: is("input_required") }));
    expect("answer the open question and one that was never asked", both, ignored);
    expect("read the task at its end", ended, objectWith({ status: is("completed") }));
    expect("answer again what was answered", late, ignored);
  },
});
