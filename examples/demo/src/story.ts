/** The demo from its first act to its last, and what each of them proved. */
import { cancellation } from "./acts/cancellation.ts";
import { conformance } from "./acts/conformance.ts";
import { question } from "./acts/question.ts";
import { race } from "./acts/race.ts";
import { strangers } from "./acts/strangers.ts";
import { takeover } from "./acts/takeover.ts";
import type { Claim } from "./claims.ts";
import type { Stage } from "./stage.ts";
import { asError } from "./within.ts";

interface Act {
  readonly title: string;
  readonly play: (stage: Stage) => Promise<readonly Claim[]>;
  /** In acts/. */
  readonly file: string;
}

const ACTS: readonly Act[] = [
  { title: "Tools are called; a worker is lost in the middle", play: takeover, file: "takeover.ts" },
  { title: "A tool asks its user, who has time", play: question, file: "question.ts" },
  { title: "A task is cancelled while a worker works on it", play: cancellation, file: "cancellation.ts" },
  { title: "Somebody else knows the id of a task", play: strangers, file: "strangers.ts" },
  { title: "Complete and cancel race", play: race, file: "race.ts" },
  { title: "The conformance kit judges the store", play: conformance, file: "conformance.ts" },
];

/**
 * Goes on after an act that failed: the others may still show something.
 * @throws what `stage.signal` fired with
 */
export async function playStory(stage: Stage): Promise<readonly Claim[]> {
  const { printer, signal } = stage;
  const claims: Claim[] = [];
  for (const [index, { title, play, file }] of ACTS.entries()) {
    printer.heading(`${index + 1}  ${title}`);
    try {
      claims.push(...(await play(stage)));
    } catch (error) {
      signal.throwIfAborted();
      printer.endAllProgress();
      printer.event(printer.style("red", asError(error).stack ?? String(error)));
      const lookAt = `examples/demo/src/acts/${file}`;
      claims.push({ text: `act ${index + 1}: ${title}`, holds: false, figure: asError(error).message, lookAt });
    }
  }
  return claims;
}
