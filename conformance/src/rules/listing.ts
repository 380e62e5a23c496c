import type { ScopedTaskStore, Task, TaskPage } from "@mcp-task-store/core";
import type { Kit } from "../kit.ts";

type Lister = Pick<ScopedTaskStore, "listTasks">;

/** All pages from a cursor on, at most 100. */
export async function walk(view: Lister, limit: number, cursor?: string): Promise<readonly TaskPage[]> {
  const pages: TaskPage[] = [];
  for (let at = cursor; pages.length < 100;) {
    const page = await view.listTasks(at === undefined ? { limit } : { limit, cursor: at });
    pages.push(page);
    if (typeof page.nextCursor !== "string" || page.nextCursor === "") break;
    at = page.nextCursor;
  }
  return pages;
}

export function tasksOf(pages: readonly TaskPage[]): readonly Task[] {
  return pages.flatMap((page) => page.tasks);
}

export function idsOf(tasks: readonly { readonly taskId: string }[]): readonly string[] {
  return tasks.map((task) => task.taskId);
}

/** A listing that leaks must not make a rule change the tasks of others. */
export function ownOf(listed: readonly Task[], made: readonly Task[]): readonly Task[] {
  return listed.filter((task) => made.some(({ taskId }) => taskId === task.taskId));
}

export async function createMany(kit: Kit, principal: string, count: number): Promise<readonly Task[]> {
  const made: Task[] = [];
  for (let index = 0; index < count; index += 1) {
    made.push(await (index % 2 === 0 ? kit.A : kit.B).createTask({ principal }));
  }
  return made;
}
