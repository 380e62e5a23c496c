/**
 * The language of writes in a form that a statement or script of a backend can read: small numbers, names and flags as
 * JSON, texts beside it. So payloads travel as they are, and each only once.
 */
import type { Change, Guards, Write } from "./task-driver.ts";

/**
 * One alternative as a flat object. `if_…` are guards, `to_…` what is set: undefined (left out of the JSON) asks for
 * nothing and leaves alone. Where null is a value of its own a flag beside it says that it is set. Texts are numbers that
 * point into the list of texts, from 1; 0 is null.
 */
export interface EncodedAlternative {
  readonly if_open: boolean | undefined;
  readonly if_status: string | undefined;
  readonly if_lease: "none" | "live" | "token" | "lapsed" | undefined;
  readonly if_token: number | undefined;
  readonly if_inputs: number | undefined;
  readonly if_generation: string | undefined;
  readonly if_cancel_requested: boolean | undefined;
  readonly if_attempts_below: number | undefined;
  readonly if_claim_over: boolean | undefined;
  readonly if_run_over: boolean | undefined;
  readonly to_status: string | undefined;
  readonly to_message: number | undefined;
  readonly to_poll_interval_ms: number | undefined;
  readonly to_inputs: number | undefined;
  readonly to_metadata: number | undefined;
  readonly to_outcome: number | undefined;
  readonly set_ttl: true | undefined;
  readonly to_ttl_ms: number | null | undefined;
  readonly restart_ttl: true | undefined;
  readonly lease: "take" | "extend" | "drop" | undefined;
  readonly holder: number | undefined;
  readonly lease_ms: number | undefined;
  readonly grace_ms: number | undefined;
  readonly set_claim: true | undefined;
  readonly claim_in_ms: number | null | undefined;
  readonly set_run: true | undefined;
  readonly run_in_ms: number | null | undefined;
  readonly add_attempts: number | undefined;
  readonly request_cancel: true | undefined;
}

/** Everything that travels as text, each once: an outcome shared by two alternatives is sent once. */
class Texts {
  readonly all: string[] = [];

  /** Where it stands, from 1; 0, outside the list, is null. */
  place(text: string | null): number {
    if (text === null) return 0;
    const known = this.all.indexOf(text);
    return known === -1 ? this.all.push(text) : known + 1;
  }

  placeIfSet(text: string | null | undefined): number | undefined {
    return text === undefined ? undefined : this.place(text);
  }
}

/** The alternatives of a write, for a backend that looks at them itself: as JSON, and the texts that it points at. */
export function encodeAlternatives(alternatives: Write["alternatives"]): {
  readonly json: string;
  readonly texts: readonly string[];
} {
  const texts = new Texts();
  const encoded = alternatives.map(({ when, then }): EncodedAlternative => ({
    ...encodeGuards(when, texts),
    ...encodeChange(then, texts),
  }));
  return { json: JSON.stringify(encoded), texts: texts.all };
}

type EncodedGuards = Pick<EncodedAlternative, Extract<keyof EncodedAlternative, `if_${string}`>>;

function encodeGuards(when: Guards, texts: Texts): EncodedGuards {
  return {
    if_open: when.open,
    if_status: when.status,
    ...encodeLeaseGuard(when.lease),
    if_inputs: texts.placeIfSet(when.expectedInputs),
    if_generation: when.generation,
    if_cancel_requested: when.cancelRequested,
    if_attempts_below: when.attemptsBelow,
    if_claim_over: when.claimOver,
    if_run_over: when.runOver,
  };
}

function encodeLeaseGuard(lease: Guards["lease"]): Pick<EncodedAlternative, "if_lease" | "if_token"> {
  if (lease === undefined || lease === "none" || lease === "live") return { if_lease: lease, if_token: undefined };
  if ("token" in lease) return { if_lease: "token", if_token: lease.token };
  return { if_lease: "lapsed", if_token: lease.lapsed };
}

function encodeChange(then: Change, texts: Texts): Omit<EncodedAlternative, keyof EncodedGuards> {
  const set = then.set ?? {};
  return {
    to_status: set.status,
    to_message: texts.placeIfSet(set.statusMessage),
    to_poll_interval_ms: set.pollIntervalMs,
    to_inputs: texts.placeIfSet(set.inputs),
    to_metadata: texts.placeIfSet(set.metadata),
    to_outcome: texts.placeIfSet(set.outcome),
    set_ttl: set.ttlMs === undefined ? undefined : true,
    to_ttl_ms: set.ttlMs,
    restart_ttl: then.ttl === undefined ? undefined : true,
    ...encodeLeaseChange(then.lease, texts),
    set_claim: then.claimInMs === undefined ? undefined : true,
    claim_in_ms: then.claimInMs,
    set_run: then.runInMs === undefined ? undefined : true,
    run_in_ms: then.runInMs,
    add_attempts: then.attempts,
    request_cancel: then.cancelRequested === undefined ? undefined : true,
  };
}

function encodeLeaseChange(
  lease: Change["lease"],
  texts: Texts,
): Pick<EncodedAlternative, "lease" | "holder" | "lease_ms" | "grace_ms"> {
  if (lease === undefined) return { lease: undefined, holder: undefined, lease_ms: undefined, grace_ms: undefined };
  if (lease === null) return { lease: "drop", holder: undefined, lease_ms: undefined, grace_ms: undefined };
  const { graceMs: grace_ms } = lease;
  if ("take" in lease) return { lease: "take", holder: texts.place(lease.take), lease_ms: lease.forMs, grace_ms };
  return { lease: "extend", holder: undefined, lease_ms: lease.extendMs, grace_ms };
}
