/**
 * What may go wrong at an event, if the scheduler chooses so.
 * - unavailable: a call's go fails; it is not applied.
 * - late: a call's connection breaks after sending: the caller learns nothing, and the call may arrive any time later.
 * - lost: a call was applied, its answer is an error.
 * - never: a call was applied, its answer never comes; only the caller's own deadline ends the wait.
 * - drop, double, gap: a hint is lost without a word, comes twice, or is lost and the driver says so.
 */
export type Fault = "unavailable" | "late" | "lost" | "never" | "drop" | "double" | "gap";

/** Something that waits for the scheduler's leave to happen. */
export interface ParkedEvent {
  /** Handle and kind: "A.go", "A.back", "A.hint". */
  readonly name: string;
  /** Lets it happen; resolves when that has run to its end. */
  readonly release: () => void | Promise<void>;
  readonly faults?: Readonly<Partial<Record<Fault, () => void>>>;
  /** Sent on its way by a caller that waits no longer. */
  readonly abandoned?: boolean;
}

/** An event together with what is done with it, and how a schedule writes that: "A.go", "A.go~2", "A.back!lost". */
export interface Choice {
  readonly token: string;
  readonly event: ParkedEvent;
  readonly fault?: Fault;
}

/**
 * All that may be done next, oldest event first. Of several events of one name the second is written "~2", and so on.
 * @param allowed the faults that are in question
 */
export function choicesOf(parked: Iterable<ParkedEvent>, allowed: ReadonlySet<Fault>): readonly Choice[] {
  const met = new Map<string, number>();
  const plain: Choice[] = [];
  const faulty: Choice[] = [];
  for (const event of parked) {
    const count = (met.get(event.name) ?? 0) + 1;
    met.set(event.name, count);
    const token = count === 1 ? event.name : `${event.name}~${count}`;
    plain.push({ token, event });
    for (const fault of allowed) {
      if (event.faults?.[fault] !== undefined) faulty.push({ token: `${token}!${fault}`, event, fault });
    }
  }
  return [...plain, ...faulty];
}
