import { asking } from "./mutants/asking.ts";
import { bad } from "./mutants/bad.ts";
import { cancel } from "./mutants/cancel.ts";
import { careless } from "./mutants/careless.ts";
import { clock } from "./mutants/clock.ts";
import { close } from "./mutants/close.ts";
import { closeExits } from "./mutants/close-exits.ts";
import { expired } from "./mutants/expired.ts";
import { driver } from "./mutants/driver.ts";
import { driverRows } from "./mutants/driver-rows.ts";
import { durable } from "./mutants/durable.ts";
import { exec } from "./mutants/exec.ts";
import { finish } from "./mutants/finish.ts";
import { handOver } from "./mutants/hand-over.ts";
import { ids } from "./mutants/ids.ts";
import { inputs } from "./mutants/inputs.ts";
import { inputsShown } from "./mutants/inputs-shown.ts";
import { lease } from "./mutants/lease.ts";
import { leaseRecovery } from "./mutants/lease-recovery.ts";
import { lifecycle } from "./mutants/lifecycle.ts";
import { lifecycleReads } from "./mutants/lifecycle-reads.ts";
import { list } from "./mutants/list.ts";
import { messageLife } from "./mutants/message-life.ts";
import { messages } from "./mutants/messages.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { payload } from "./mutants/payload.ts";
import { quota } from "./mutants/quota.ts";
import { races } from "./mutants/races.ts";
import { scope } from "./mutants/scope.ts";
import { told } from "./mutants/told.ts";
import { ttl } from "./mutants/ttl.ts";
import { ttlMoved } from "./mutants/ttl-moved.ts";
import { wait } from "./mutants/wait.ts";
import { watch } from "./mutants/watch.ts";

export { type Mutant, referenceTarget } from "./mutants/mutant.ts";
export { variants } from "./variants.ts";
export type { Variant } from "./variants/variant.ts";

/** Stores that are wrong on purpose, one fault each: they prove that the rules find what they look for. */
export const mutants: readonly Mutant[] = [
  ids,
  lifecycle,
  lifecycleReads,
  careless,
  cancel,
  finish,
  exec,
  races,
  told,
  scope,
  ttl,
  ttlMoved,
  expired,
  list,
  wait,
  watch,
  lease,
  leaseRecovery,
  handOver,
  inputs,
  inputsShown,
  asking,
  messages,
  messageLife,
  payload,
  bad,
  quota,
  clock,
  driver,
  driverRows,
  durable,
  close,
  closeExits,
].flat();
