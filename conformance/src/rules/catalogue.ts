import type { Rule } from "../rule.ts";
import * as anyOrder from "./any-order.ts";
import * as asking from "./asking.ts";
import * as bad from "./bad.ts";
import * as badQuota from "./bad-quota.ts";
import * as cancel from "./cancel.ts";
import * as cancelRaces from "./cancel-races.ts";
import * as caps from "./caps.ts";
import * as clock from "./clock.ts";
import * as close from "./close.ts";
import * as closeExits from "./close-exits.ts";
import * as driverGuards from "./driver-guards.ts";
import * as driverHints from "./driver-hints.ts";
import * as driverRows from "./driver-rows.ts";
import * as durable from "./durable.ts";
import * as durableWire from "./durable-wire.ts";
import * as exec from "./exec.ts";
import * as execRaces from "./exec-races.ts";
import * as finish from "./finish.ts";
import * as ids from "./ids.ts";
import * as inputs from "./inputs.ts";
import * as lease from "./lease.ts";
import * as leaseWire from "./lease-wire.ts";
import * as leaseRecovery from "./lease-recovery.ts";
import * as lifecycle from "./lifecycle.ts";
import * as lifecycleCopies from "./lifecycle-copies.ts";
import * as list from "./list.ts";
import * as listCursors from "./list-cursors.ts";
import * as maintainRaces from "./maintain-races.ts";
import * as messages from "./messages.ts";
import * as payload from "./payload.ts";
import * as scope from "./scope.ts";
import * as shape from "./shape.ts";
import * as ttl from "./ttl.ts";
import * as ttlBelongings from "./ttl-belongings.ts";
import * as ttlMoved from "./ttl-moved.ts";
import * as ttlReturn from "./ttl-return.ts";
import * as v1 from "./v1.ts";
import * as v1Pages from "./v1-pages.ts";
import * as v1Record from "./v1-record.ts";
import * as v1Values from "./v1-values.ts";
import * as wait from "./wait.ts";
import * as waitRaces from "./wait-races.ts";
import * as watch from "./watch.ts";

/** Every rule of the kit, in the order in which reports show them. A theme's file exports nothing but rules. */
export const rules: readonly Rule[] = [
  ids,
  lifecycle,
  lifecycleCopies,
  anyOrder,
  shape,
  cancel,
  cancelRaces,
  finish,
  exec,
  execRaces,
  scope,
  ttl,
  ttlBelongings,
  ttlReturn,
  ttlMoved,
  maintainRaces,
  list,
  listCursors,
  wait,
  waitRaces,
  watch,
  lease,
  leaseRecovery,
  leaseWire,
  inputs,
  asking,
  messages,
  payload,
  bad,
  badQuota,
  clock,
  driverGuards,
  driverHints,
  driverRows,
  durable,
  durableWire,
  close,
  closeExits,
  caps,
  v1,
  v1Pages,
  v1Record,
  v1Values,
  // The order of a module's names is the language's own here, and another one where a bundler or a test runner made it.
].flatMap((theme): readonly Rule[] => Object.values(theme).sort((a, b) => (a.id < b.id ? -1 : 1)));
