import type { DriverCallOptions, DriverMessages, TaskRecord } from "@mcp-task-store/core";
import { MessageQueue, type MessageQueueState, pushMessage, takeMessages } from "@mcp-task-store/core/adapter";
import type { Database } from "lmdb";

/** What messages need of the driver. */
interface Parts {
  readonly change: <T>(options: DriverCallOptions | undefined, body: (nowUs: number) => T) => Promise<T>;
  readonly rows: Database<TaskRecord, string>;
  readonly queues: Database<MessageQueueState, string>;
  readonly replace: (taskId: string, before: TaskRecord | undefined, after: TaskRecord) => void;
}

/** Messages of tasks: each task's in one value, which is simple, and slow for thousands. */
export function lmdbMessages({ change, rows, queues, replace }: Parts): DriverMessages {
  return {
    push: (push, options) =>
      change(options, (nowUs) => {
        const before = rows.get(push.taskId);
        const queue = new MessageQueue(queues.get(push.taskId));
        const { answer, row } = pushMessage(before, queue, push, nowUs);
        if (row === undefined) return answer;
        replace(push.taskId, before, row);
        queues.putSync(push.taskId, queue.state);
        return answer;
      }),
    take: (take, options) =>
      change(options, (nowUs) => {
        const queue = new MessageQueue(queues.get(take.taskId));
        const answer = takeMessages(rows.get(take.taskId), queue, take, nowUs);
        if (answer.kind === "taken") queues.putSync(take.taskId, queue.state);
        return answer;
      }),
  };
}
