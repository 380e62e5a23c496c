/** For the kit: `mcp-task-store-conformance run examples/independent-store/src/conformance.target.ts`. */
import { type SettingName, storeTarget, type Target, trueEpochMs } from "@mcp-task-store/conformance/targets";
import { IndependentBackend } from "./independent-backend.ts";
import { createIndependentStore } from "./independent-store.ts";

interface Place {
  readonly backend: IndependentBackend;
  setBackMs: number;
}

const places = new Map<string, Place>();

function placeOf(namespaceId: string): Place {
  const known = places.get(namespaceId);
  if (known !== undefined) return known;
  // Its clock is not that of the handles, which the kit may set wrong.
  const place: Place = { backend: new IndependentBackend(() => trueEpochMs() - place.setBackMs), setBackMs: 0 };
  places.set(namespaceId, place);
  return place;
}

const SETTINGS: readonly SettingName[] = [
  "maintenance",
  "onOrphan",
  "orphanPolicy",
  "maxAttempts",
  "claimWithinMs",
  "leaseMs",
  "maxRunMs",
  "graceMs",
  "safetyPollMs",
  "callTimeoutMs",
  "defaultTtlMs",
  "maxTtlMs",
  "maxPayloadBytes",
  "quota",
];

export const target: Target = storeTarget({
  name: "independent",
  opensTwice: true,
  clock: true,
  concurrency: 16,
  settings: SETTINGS,
  file: import.meta.filename,
  open: (namespaceId, settings) => createIndependentStore(settings, placeOf(namespaceId).backend),
  async setBack(namespaceId, ms) {
    placeOf(namespaceId).setBackMs += ms;
  },
  async dispose(namespaceId) {
    places.delete(namespaceId);
  },
});
