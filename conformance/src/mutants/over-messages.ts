import type {
  DriverMessages,
  MessagePush,
  MessageTake,
  PushAnswer,
  TakeAnswer,
  TaskDriver,
} from "@mcp-task-store/core";
import { MessageQueue } from "@mcp-task-store/core/message-queue";
import type { ReferenceBackend } from "./reference-backend.ts";

/** Something done in place of pushes or takes, or around them. */
export interface MessageFaults {
  readonly push?: (push: MessagePush, send: (push: MessagePush) => Promise<PushAnswer>) => Promise<PushAnswer>;
  readonly take?: (take: MessageTake, send: (take: MessageTake) => Promise<TakeAnswer>) => Promise<TakeAnswer>;
}

/** The driver's messages with a fault in them. */
export function overMessages(driver: TaskDriver, faults: MessageFaults): DriverMessages {
  const { messages } = driver;
  if (messages === undefined) throw new TypeError("The reference keeps messages.");
  return {
    push: (push, options) => {
      const send = (changed: MessagePush): Promise<PushAnswer> => messages.push(changed, options);
      return faults.push === undefined ? send(push) : faults.push(push, send);
    },
    take: (take, options) => {
      const send = (changed: MessageTake): Promise<TakeAnswer> => messages.take(changed, options);
      return faults.take === undefined ? send(take) : faults.take(take, send);
    },
  };
}

/** Something that all handles of one namespace share, made when the first asks for it. */
export function sharedBy<Shared>(make: () => Shared): (backend: ReferenceBackend) => Shared {
  const known = new WeakMap<ReferenceBackend, { readonly shared: Shared }>();
  return (backend) => {
    const found = known.get(backend) ?? { shared: make() };
    known.set(backend, found);
    return found.shared;
  };
}

/** Queues by a key of the mutant's own. */
export function queuesByKey(): (key: string) => MessageQueue {
  const queues = new Map<string, MessageQueue>();
  return (key) => {
    const queue = queues.get(key) ?? new MessageQueue();
    queues.set(key, queue);
    return queue;
  };
}
