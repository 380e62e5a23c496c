/** Plays random sequences of calls on a real server, in real time. */
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TaskDriver } from "../../src/index.ts";
import { callSequences } from "./calls.ts";
import { ModelPlay } from "./model-play.ts";

/** A place on a server that nobody else uses. */
interface Place extends AsyncDisposable {
  /** A driver of another process. */
  open(): TaskDriver;
}

interface ServerOfModel {
  readonly name: string;
  readonly isLeftOut: boolean;
  readonly place: () => Promise<Place>;
  /** How many sequences; a slow server plays fewer. @default 60 */
  readonly runs?: number;
}

/** `MODEL_SEED=7 vitest run model/redis` repeats a run, as far as real time lets it. */
const seed = Number(process.env["MODEL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

export function describeModelOn({ name, isLeftOut, place, runs = 60 }: ServerOfModel): void {
  describe.skipIf(isLeftOut)(`on ${name}`, () => {
    let here: Place;
    let clock: TaskDriver;
    const leftovers = new Set<string>();
    beforeAll(async () => {
      here = await place();
      clock = here.open();
      await clock.setup();
    });
    afterAll(async () => {
      await clock.close();
      await here[Symbol.asyncDispose]();
    });

    /** Real time: the server's clock is read until it has moved. */
    async function pass(ms: number): Promise<void> {
      const untilUs = (await clock.read([])).nowUs + ms * 1000;
      while ((await clock.read([])).nowUs < untilUs);
    }

    it(
      `two processes and two principals do what the model says (MODEL_SEED=${seed})`,
      { timeout: 240_000 },
      async () => {
        const property = fc.asyncProperty(
          callSequences,
          async (calls) => await ModelPlay.play({ leftovers, open: () => here.open(), pass }, calls),
        );
        // Shrinking is left to memory: in real time a shorter sequence need not fail for the same reason.
        await expect(fc.assert(property, { seed, numRuns: runs, endOnFailure: true })).resolves.toBeUndefined();
      },
    );
  });
}
