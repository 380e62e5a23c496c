import { WrongAnswer } from "./answer-shapes.ts";
import { CouldNotRun, isDown, type Settled } from "./attempt.ts";
import { isError } from "./is-error.ts";
import type { Journal } from "./journal.ts";
import type { Strength } from "./races/strength.ts";
import type { Judged } from "./report.ts";
import type { Play } from "./rule.ts";
import { shown } from "./shown.ts";

/** The rule as a whole took too long. */
export function tooLong(ms: number): Judged {
  return { outcome: "could-not-run", reason: `the rule did not end within ${ms} ms` };
}

/** A rule that was played, and how hard its races were. */
export interface Played {
  readonly play: Play;
  readonly strength?: Strength | undefined;
}

/** What a play of a rule says of the store. */
export function judged(ended: Settled<Played>, journal: Journal): Judged {
  if (ended.kind === "rejected") return couldNotRun("opening its namespace", ended.error);
  const { play, strength } = ended.value;
  const judgement = judgedPlay(play, journal);
  return strength === undefined ? judgement : { ...judgement, strength };
}

function judgedPlay(play: Play, journal: Journal): Judged {
  if (play.kind === "passed") return { outcome: "pass" };
  if (play.kind === "failed") {
    const { did, seen, wants, calls = journal.callsAround(play.witness.seen) } = play.witness;
    return { outcome: "fail", failure: { did, seen: shown(seen), wanted: wants, calls, by: "judge" } };
  }
  if (isError(play.error) && play.error instanceof WrongAnswer) {
    const { call: did, answer, wanted } = play.error;
    const calls = journal.callsAround(play.error);
    return { outcome: "fail", failure: { did: `call ${did}`, seen: shown(answer), wanted, calls, by: "call" } };
  }
  const call = journal.threw(play.error);
  if (play.stage !== "act" || call === undefined || isDown(play.error)) return couldNotRun(play.stage, play.error);
  const failure = {
    did: `call ${call}, which must not fail here`,
    seen: shown(play.error),
    wanted: "no error",
    calls: journal.callsAround(play.error),
    by: "call",
  } as const;
  return { outcome: "fail", failure };
}

/** Something threw that is no call of the store, at this stage. */
export function couldNotRun(stage: string, error: unknown): Judged {
  const cause = isError(error) && error.cause !== undefined ? `; cause: ${shown(error.cause)}` : "";
  // Its own words say enough.
  const what = isError(error) && error instanceof CouldNotRun ? error.message : `${stage}: ${shown(error)}`;
  return { outcome: "could-not-run", reason: `${what}${cause}` };
}
