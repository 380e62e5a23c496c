/** The memory store as a target of the conformance kit; each process has its own. */
import { driverTarget, type Target, trueEpochMs } from "../../conformance/src/targets.ts";
import { createMemoryBackend, createMemoryDriver, type MemoryBackend } from "../../packages/memory/src/index.ts";

interface Place {
  readonly backend: MemoryBackend;
  setBackMs: number;
}

const places = new Map<string, Place>();

function placeOf(namespaceId: string): Place {
  const known = places.get(namespaceId);
  if (known !== undefined) return known;
  const place: Place = { backend: createMemoryBackend({ clock: () => trueEpochMs() - place.setBackMs }), setBackMs: 0 };
  places.set(namespaceId, place);
  return place;
}

export const target: Target = driverTarget({
  name: "memory",
  opensTwice: true,
  concurrency: 16,
  clock: true,
  file: import.meta.filename,
  open: (namespaceId) => createMemoryDriver({ backend: placeOf(namespaceId).backend }),
  async setBack(namespaceId, ms) {
    placeOf(namespaceId).setBackMs += ms;
  },
  async dispose(namespaceId) {
    places.delete(namespaceId);
  },
});
