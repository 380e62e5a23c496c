import type { Generation, Task } from "@mcp-task-store/core";
import type { HistoryAllowances } from "./history/history-data.ts";
import type { Kit } from "./kit.ts";
import { wrongHistory } from "./races/histories.ts";
import type { StoreSettings } from "./target.ts";
import type { Timing } from "./timing.ts";

/** The ten promises of a task store; a target says which of them it claims. */
export type PromiseId = "P1" | "P2" | "P3" | "P4" | "P5" | "P6" | "P7" | "P8" | "P9" | "P10";

/** must: a specification's MUST, or what no verdict can do without. should: a SHOULD, a failure warns. promise: judged where the target claims it. */
export type Level = "must" | "should" | "promise";

/**
 * A capability of the store, or a facility of the target, without which a rule is not applicable. "driver": the target
 * opens bare drivers. "via": its handles connect through the kit's proxy. "sdkV1": it has the interfaces of the SDK 1.x.
 */
export type Need =
  | "clock"
  | "driver"
  | "file"
  | "listing"
  | "messages"
  | "pushHints"
  | "quota"
  | "restart"
  | "sdkV1"
  | "via";

/** What an observation must be like. */
export interface Want<T> {
  /** Completes the sentence "wanted …". */
  readonly text: string;
  holds(seen: T): boolean;
}

/**
 * The only way to fail a rule.
 * @param did what was done, in a reader's words
 * @param seen what the store showed
 * @param wants what every conformant store shows at any speed
 */
export type Expect = <T>(did: string, seen: T, wants: Want<NoInfer<T>>) => void;

/** A failed expectation: the proof against a store. */
export interface Witness {
  readonly did: string;
  readonly seen: unknown;
  readonly wants: string;
  /** The calls that prove it, line by line. @default those that its answers came out of, and the latest that the rule made */
  readonly calls?: readonly string[];
}

/** What there is to know about a rule without playing it. */
export interface RuleData {
  /** `theme/name`; never reused or renumbered. */
  readonly id: string;
  readonly title: string;
  /** The kit's version that brought the rule. */
  readonly since: string;
  readonly level: Level;
  readonly generation: Generation | "both";
  /** Requirements (S-…, X-…), promises (P…) and what the kit relies on (T…), as far as the rule checks them. */
  readonly source: readonly string[];
  /** The promises among them: a target that claims none of these is not judged by a rule of level "promise". */
  readonly promises: readonly PromiseId[];
  readonly needs: readonly Need[];
  /** Public reports of the fault in the wild, by URL. */
  readonly guards: readonly string[];
  /** Names of the mutants that the rule must kill. */
  readonly mutants: readonly string[];
}

/** What the settings of a rule may be made from. */
export interface SettingsContext {
  readonly timing: Timing;
  /** Keeps a task that the store handed to `onOrphan`; read it as `kit.orphans`. */
  readonly announce: (task: Task) => void;
}

/** What every rule says about itself. */
export interface RuleHeader extends Pick<RuleData, "id" | "title" | "level" | "source" | "mutants"> {
  readonly since?: string;
  readonly generation?: RuleData["generation"];
  readonly needs?: readonly Need[];
  readonly guards?: readonly string[];
  /** A namespace of its own: for rules that run maintenance or make over 100 tasks. Settings imply it. */
  readonly isolated?: boolean;
  /** Both handles are opened with these. */
  readonly settings?: (context: SettingsContext) => StoreSettings;
  /**
   * For rules that race: what all callers were told of each task has to have an order that explains it, too, with these
   * freedoms. Everything that writes to the rule's tasks has to be a call of one of the kit's stores.
   */
  readonly histories?: HistoryAllowances;
  /** Judges those histories, too, in which no calls overlap: elsewhere rules of their own say what is wrong in them. */
  readonly judgesEveryHistory?: true;
}

/**
 * A rule as it is written: `arrange` brings the store into a state, `act` does what is to be judged, `judge` fails, and
 * only `judge` fails, through `expect`. An error that a store call throws out of `act` is judged as a failure too; any
 * other throw makes the outcome could-not-run.
 */
export interface ArrangedRule<Arranged, Seen> extends RuleHeader {
  readonly arrange: (kit: Kit) => Promise<Arranged>;
  readonly act: (kit: Kit, arranged: Arranged) => Promise<Seen>;
  readonly judge: (expect: Expect, seen: Seen, arranged: Arranged) => void;
}

/** A rule that needs nothing arranged. */
export interface PlainRule<Seen> extends RuleHeader {
  readonly arrange?: never;
  readonly act: (kit: Kit) => Promise<Seen>;
  readonly judge: (expect: Expect, seen: Seen) => void;
}

export type Stage = "arrange" | "act" | "judge";

/** How a rule's play went: which stage threw what, or which witness was found. */
export type Play =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly witness: Witness }
  | { readonly kind: "threw"; readonly stage: Stage; readonly error: unknown };

/** A rule as runners use it. */
export interface Rule extends RuleData {
  readonly isolated: boolean;
  readonly settings: ((context: SettingsContext) => StoreSettings) | undefined;
  readonly histories: HistoryAllowances | undefined;
  play(kit: Kit): Promise<Play>;
}

class Failed extends Error {
  readonly witness: Witness;

  constructor(witness: Witness) {
    super(`wanted ${witness.wants}`);
    this.witness = witness;
  }
}

const expect: Expect = (did, seen, wants) => {
  if (!wants.holds(seen)) throw new Failed({ did, seen, wants: wants.text });
};

export const PROMISES: readonly PromiseId[] = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10"];

function isPromiseId(source: string): source is PromiseId {
  return PROMISES.some((promise) => promise === source);
}

/** Makes a rule of its definition. */
export function defineRule<Arranged, Seen>(definition: ArrangedRule<Arranged, Seen>): Rule;
export function defineRule<Seen>(definition: PlainRule<Seen>): Rule;
export function defineRule<Arranged, Seen>(definition: ArrangedRule<Arranged, Seen> | PlainRule<Seen>): Rule {
  return {
    id: definition.id,
    title: definition.title,
    since: definition.since ?? "0.1.0",
    level: definition.level,
    generation: definition.generation ?? "both",
    source: definition.source,
    promises: definition.source.filter(isPromiseId),
    needs: definition.needs ?? [],
    guards: definition.guards ?? [],
    mutants: definition.mutants,
    isolated: definition.isolated === true || definition.settings !== undefined,
    settings: definition.settings,
    histories: definition.histories,
    async play(kit) {
      const play = await (definition.arrange === undefined
        ? playPlain(definition, kit)
        : playArranged(definition, kit));
      if (play.kind !== "passed") return play;
      const witness = await wrongHistory(kit.histories, definition.judgesEveryHistory);
      return witness === undefined ? play : { kind: "failed", witness };
    },
  };
}

/** Plays a rule that needs nothing arranged, whatever it works with. */
export function playPlain<K, Seen>(
  rule: { readonly act: (kit: K) => Promise<Seen>; readonly judge: (expect: Expect, seen: Seen) => void },
  kit: K,
): Promise<Play> {
  return staged(async (enter) => {
    enter("act");
    const seen = await rule.act(kit);
    enter("judge");
    rule.judge(expect, seen);
  });
}

function playArranged<Arranged, Seen>(rule: ArrangedRule<Arranged, Seen>, kit: Kit): Promise<Play> {
  return staged(async (enter) => {
    enter("arrange");
    const arranged = await rule.arrange(kit);
    enter("act");
    const seen = await rule.act(kit, arranged);
    enter("judge");
    rule.judge(expect, seen, arranged);
  });
}

async function staged(play: (enter: (stage: Stage) => void) => Promise<void>): Promise<Play> {
  let stage: Stage = "arrange";
  try {
    await play((next) => {
      stage = next;
    });
    return { kind: "passed" };
  } catch (error) {
    return error instanceof Failed ? { kind: "failed", witness: error.witness } : { kind: "threw", stage, error };
  }
}
