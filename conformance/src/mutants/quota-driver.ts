import type { TaskDriver, TaskRecord } from "@mcp-task-store/core";
import { isTerminal, TaskStoreError } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import type { ReferenceBackend } from "./reference-backend.ts";

/** What is wrong with a quota. */
export interface QuotaFault {
  /** Which open tasks count besides the principal's own. */
  readonly countsToo?: (row: TaskRecord) => boolean;
  /** Creates of one principal do not wait for each other. */
  readonly unlocked?: true;
}

/** The creates of each principal, one after the other. By backend, for all of its handles. */
const queues = new WeakMap<ReferenceBackend, Map<string, Promise<unknown>>>();

/** The driver, with creates refused to principals that have as many open tasks as they may. */
export function withQuota(
  driver: TaskDriver,
  { backend, fired }: { readonly backend: ReferenceBackend; readonly fired: () => void },
  quota: number,
  fault: QuotaFault = {},
): TaskDriver {
  const waiting = queues.get(backend) ?? new Map<string, Promise<unknown>>();
  queues.set(backend, waiting);
  const count = (scope: string): number => {
    const open = [...backend.rows.values()].filter((row) => !isTerminal(row.status) && isVisible(row, backend.nowUs()));
    const own = open.filter((row) => row.scope === scope).length;
    const counted = open.filter((row) => row.scope === scope || fault.countsToo?.(row) === true).length;
    if (own < quota && counted >= quota) fired();
    return counted;
  };
  return {
    ...driver,
    async insert(insert, options) {
      const { scope } = insert;
      if (scope === null) return driver.insert(insert, options);
      const checked = async (): ReturnType<TaskDriver["insert"]> => {
        if (count(scope) >= quota) throw new TaskStoreError("QUOTA_EXCEEDED", `At most ${quota} open tasks.`);
        const answer = await driver.insert(insert, options);
        if (count(scope) > quota) fired();
        return answer;
      };
      if (fault.unlocked === true) return checked();
      const turn = (waiting.get(scope) ?? Promise.resolve()).then(checked, checked);
      waiting.set(scope, turn);
      return turn;
    },
  };
}
