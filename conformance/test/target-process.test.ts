import { describe, expect, it } from "vitest";
import { CouldNotRun } from "../src/attempt.ts";
import { mutants, referenceTarget } from "../src/mutants.ts";
import { endOfProcess } from "../src/process/target-process.ts";

const DEADLINE_MS = 30_000;

function fileOf(name: string): readonly [string, Readonly<Record<string, string>>] {
  const target = mutants.find((one) => one.name === name)?.plant().target ?? referenceTarget();
  if (target.file === undefined) throw new Error(`${name} has no file`);
  return [target.file, target.fileEnv ?? {}];
}

describe("a process of a target", () => {
  it("ends by itself once its stores are closed", async () => {
    expect(await endOfProcess(...fileOf("reference"), DEADLINE_MS)).toEqual({ alone: true, strays: [] });
  });

  it("is said to hold on where a timer holds it", async () => {
    expect(await endOfProcess(...fileOf("timer-holds"), 3_000)).toEqual({ alone: false, strays: [] });
  });

  it("tells what escaped", async () => {
    const { strays } = await endOfProcess(...fileOf("stray-rejection"), DEADLINE_MS);
    expect(strays).toEqual(Array(2).fill(expect.stringMatching(/rejection that nobody handles.*closed/)));
  });

  it("is no verdict where it cannot use the store", async () => {
    const missing = endOfProcess("/no/such/file.js", {}, DEADLINE_MS);
    await expect(missing).rejects.toThrow(CouldNotRun);
    await expect(missing).rejects.toThrow(/there is no file/);
  });
});
