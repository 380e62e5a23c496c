import type { Call } from "./call.ts";
import type { CallRunner } from "./call-runner.ts";
import type { DriverMessage, DriverMessages, MessagePush, MessageTake, PushAnswer, TakeAnswer } from "./task-driver.ts";
import type { CallOptions } from "./task-store.ts";
import { repeatable, unknownOutcome } from "./write-fate.ts";

/**
 * How long what was handed out is kept for its receipt: as long as the longest call may last, so that the repeat of a
 * call whose answer was lost always finds it.
 */
const KEEP_MS = 3_600_000;

/**
 * How long the first attempt may take to land; each that came too late doubles it. Short, because "full" and "nothing
 * waits" are believed after a lost answer only once the attempt before can land no more.
 */
const FIRST_WINDOW_MS = 1_000;

type Late = Extract<PushAnswer, { kind: "late" }>;
type Gone = Extract<PushAnswer, { kind: "gone" }>;

/** The parts of a push or a take that each attempt fills in. */
type Timed = "notAfterUs" | "bornByUs";

/**
 * Runs pushes and takes against a driver. Each is sent again under its own id or receipt until its fate is known: the
 * repeat is the look-up.
 */
export class MessageCalls {
  readonly #driver: DriverMessages;
  readonly #calls: CallRunner;
  readonly #onChanged: (taskIds: readonly string[]) => void;

  /** @param onChanged called with the id of a task that got a message, once that is committed */
  constructor(driver: DriverMessages, calls: CallRunner, onChanged: (taskIds: readonly string[]) => void) {
    this.#driver = driver;
    this.#calls = calls;
    this.#onChanged = onChanged;
  }

  /** In call order with the other writes of this process to the task. */
  async push(push: Omit<MessagePush, Timed>, options: CallOptions): Promise<Exclude<PushAnswer, { kind: "late" }>> {
    const answer = await this.#calls.inOrder(push.taskId, undefined, options, (call) =>
      this.#sent(
        call,
        (timed, driverOptions) => this.#driver.push({ ...push, ...timed }, driverOptions),
        // A first attempt that is still on its way may find room that this one did not.
        ({ kind }) => kind !== "full",
      ),
    );
    // Also where it had landed before: the first answer was lost, and nobody has been told.
    if (answer.kind === "pushed") this.#onChanged([push.taskId]);
    return answer;
  }

  /** What the receipt is given; "spent": that is not kept any more; "gone": there is no such task. */
  async take(
    take: Omit<MessageTake, Timed | "keepMs">,
    options: CallOptions,
  ): Promise<readonly DriverMessage[] | "spent" | "gone"> {
    const answer = await this.#calls.calling(options, (call) =>
      this.#sent(
        call,
        (timed, driverOptions) => this.#driver.take({ ...take, ...timed, keepMs: KEEP_MS }, driverOptions),
        // A first attempt that is still on its way may take what comes next, and nobody would ask for it again.
        (given) => given.kind !== "taken" || given.messages.length > 0,
      ),
    );
    return answer.kind === "taken" ? answer.messages : answer.kind;
  }

  /**
   * Sends until an answer can be believed.
   * @param holds whether an answer stays true whatever an earlier attempt, whose answer was lost, may still do
   */
  async #sent<Answer extends Exclude<PushAnswer | TakeAnswer, Late | Gone>>(
    call: Call,
    send: (timed: Pick<MessagePush, Timed>, options: { readonly signal: AbortSignal }) => Promise<Answer | Late | Gone>,
    holds: (answer: Answer) => boolean,
  ): Promise<Answer | Gone> {
    let windowMs = FIRST_WINDOW_MS;
    let notAfterUs = await this.#notAfterUs(call, windowMs);
    const { bornByUs } = this.#calls;
    let ambiguous = false;
    for (;;) {
      let answer: Answer | Late | Gone | undefined;
      try {
        const timed = ambiguous ? { notAfterUs, bornByUs } : { notAfterUs };
        answer = await call.driver((driverOptions) => send(timed, driverOptions), unknownOutcome);
      } catch (error) {
        ambiguous = repeatable(error, call, ambiguous);
      }
      if (answer !== undefined && isGone(answer)) {
        // The task may have had it and be gone since.
        if (ambiguous) throw unknownOutcome();
        return answer;
      }
      if (answer !== undefined) {
        this.#calls.clock.observe(answer.nowUs);
        if (!isLate(answer) && (!ambiguous || holds(answer))) return answer;
        if (isLate(answer)) {
          // Nothing that was sent so far can take effect any more: it may be sent anew, if there is time.
          ambiguous = false;
          windowMs *= 2;
          notAfterUs = await this.#notAfterUs(call, windowMs);
        }
      }
      await this.#calls.pauseOrThrow(call, ambiguous);
    }
  }

  async #notAfterUs(call: Call, windowMs: number): Promise<number> {
    const endUs = await this.#calls.notAfterUs(call);
    return Math.min(endUs, this.#calls.clock.estimateUs() + windowMs * 1000);
  }
}

function isLate(answer: PushAnswer | TakeAnswer): answer is Late {
  return answer.kind === "late";
}

function isGone(answer: PushAnswer | TakeAnswer): answer is Gone {
  return answer.kind === "gone";
}
