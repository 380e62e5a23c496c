import type { DriverMessages, MessagePush, MessageTake, TaskDriver } from "@mcp-task-store/core";
import { delegate } from "./delegate.ts";
import type { Fault } from "./faulty-drivers.ts";

const LATER = 3_600_000_000;

function over(change: (messages: DriverMessages) => Partial<DriverMessages>): Fault {
  return (driver: TaskDriver) => {
    const { messages } = driver;
    return messages === undefined ? driver : { ...delegate(driver), messages: { ...messages, ...change(messages) } };
  };
}

/** Every push changed on its way. */
function pushing(change: (push: MessagePush) => MessagePush): Fault {
  return over((messages) => ({ push: (push, options) => messages.push(change(push), options) }));
}

function taking(change: (take: MessageTake) => MessageTake): Fault {
  return over((messages) => ({ take: (take, options) => messages.take(change(take), options) }));
}

function withoutBirth<Call extends MessagePush | MessageTake>({
  bornByUs: _bornByUs,
  ...call
}: Call): Omit<Call, "bornByUs"> {
  return call;
}

/** Drivers whose messages are wrong in one way each: a comparison that means something finds them all. */
export const FAULTY_MESSAGES: Readonly<Record<string, Fault>> = {
  "push-room-for-one-more": pushing((push) => ({ ...push, maxSize: push.maxSize + 1 })),
  "push-not-open": pushing(({ open: _open, ...push }) => push),
  "push-late": pushing((push) => ({ ...push, notAfterUs: push.notAfterUs + LATER })),
  "push-born-later": over((messages) => ({ push: (push, options) => messages.push(withoutBirth(push), options) })),
  "push-any-id": pushing((push) => ({ ...push, message: { ...push.message, messageId: `${Math.random()}` } })),
  "push-id-casefold": pushing((push) => ({ ...push, taskId: push.taskId.toLowerCase() })),
  "push-reformats": pushing((push) => ({
    ...push,
    message: { ...push.message, text: JSON.stringify(JSON.parse(push.message.text)) },
  })),
  "take-late": taking((take) => ({ ...take, notAfterUs: take.notAfterUs + LATER })),
  "take-born-later": over((messages) => ({ take: (take, options) => messages.take(withoutBirth(take), options) })),
  "take-any-receipt": taking((take) => ({ ...take, receipt: `${Math.random()}` })),
  "take-all": taking((take) => ({ ...take, limit: null })),
  "take-one": taking((take) => ({ ...take, limit: 1 })),
  "take-keeps-for-ever": taking((take) => ({ ...take, keepMs: LATER })),
  "take-keeps-nothing": taking((take) => ({ ...take, keepMs: -LATER })),
  "take-newest-first": over((messages) => ({
    async take(take, options) {
      const answer = await messages.take(take, options);
      return answer.kind === "taken" ? { ...answer, messages: answer.messages.toReversed() } : answer;
    },
  })),
};
