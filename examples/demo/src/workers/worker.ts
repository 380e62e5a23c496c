/** What the demo sees of one of its workers. */
import type { Inbox } from "./inbox.ts";
import type { ToWorker } from "./messages.ts";

export interface Worker {
  readonly name: string;
  /** For people: "pid 4711". */
  readonly where: string;
  readonly inbox: Inbox;
  readonly isAlive: boolean;
  send(message: ToWorker): void;
  /** Takes it away without warning, in the middle of whatever it does. Resolves when it is gone. */
  lose(): Promise<void>;
  /** Lets it end in good order, by force if it takes too long. Twice is harmless. */
  stop(): Promise<void>;
}
