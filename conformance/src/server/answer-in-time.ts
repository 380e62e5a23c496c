import { anyEnd, CouldNotRun } from "../attempt.ts";
import { inTime } from "../in-time.ts";

/** A request that must be answered got no answer, while others did. */
export class Unanswered extends Error {
  override readonly name: string = "Unanswered";
}

/** Another request, which a server answers as soon as it answers anything about tasks. */
export interface ControlRequest {
  readonly method: string;
  readonly send: (signal: AbortSignal) => Promise<unknown>;
}

/** For what has come already to be read. */
const READING_MS = 100;

/**
 * What a request is answered with. Where nothing comes before the deadline, another request shows whether the server
 * answers at all, and the first one has as long again: whatever stood still has moved by then.
 * @param control undefined: the answer may wait for something by right
 * @throws CouldNotRun if none came, and nothing follows from that
 * @throws Unanswered if none came, and the control was answered twice meanwhile
 */
export async function answerInTime<T>(
  { method, deadlineMs, control }: { method: string; deadlineMs: number; control: ControlRequest | undefined },
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const started = performance.now();
  const sent = anyEnd(send(over.signal));
  try {
    let controlMs = 0;
    // The last look comes after a control, too: what stood still may have been this process.
    for (const waitMs of [deadlineMs, deadlineMs, READING_MS]) {
      const ended = await inTime(waitMs, sent);
      if (ended?.kind === "fulfilled") return ended.value;
      if (ended?.kind === "rejected") throw ended.error;
      if (waitMs === READING_MS) break;
      if (control === undefined) throw new CouldNotRun(`${method} was not answered within ${deadlineMs} ms`);
      controlMs = Math.max(controlMs, await answeredAfter(control, method, deadlineMs));
    }
    const waited = Math.round(performance.now() - started);
    const answered = `${control?.method} was answered in ${Math.ceil(controlMs)} ms`;
    throw new Unanswered(`no answer within ${waited} ms, while ${answered}`);
  } finally {
    over.abort();
  }
}

/** How long it took, ms. @throws CouldNotRun if it is not answered either */
async function answeredAfter(control: ControlRequest, method: string, deadlineMs: number): Promise<number> {
  const over = new AbortController();
  const started = performance.now();
  try {
    const ended = await inTime(deadlineMs, anyEnd(control.send(over.signal)));
    if (ended?.kind === "fulfilled") return performance.now() - started;
    const what = `neither ${method} nor ${control.method} was answered within ${deadlineMs} ms`;
    throw new CouldNotRun(what, ended === undefined ? {} : { cause: ended.error });
  } finally {
    over.abort();
  }
}
