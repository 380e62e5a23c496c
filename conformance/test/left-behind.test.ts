import { describe, expect, it } from "vitest";
import { describeReport, type Report, runConformance } from "../src/index.ts";
import { referenceTarget } from "../src/mutants.ts";
import { referenceStore, storeTarget } from "../src/targets.ts";
import { troubleClosing, troubleEnding } from "../src/trouble-ending.ts";

describe("what a target leaves behind", () => {
  const ended = (fault: Partial<Parameters<typeof storeTarget>[0]>): Promise<Report> =>
    // Two rules, each in a namespace of its own: the same trouble is told once.
    runConformance(storeTarget({ name: "mine", isolated: true, open: referenceStore, ...fault }), {
      rules: ["cancel/late-result", "lifecycle/times"],
      timing: { minDeadlineMs: 2_500, rounds: 5 },
    });

  it("is noted, and is no part of the verdict: a namespace that cannot be removed", async () => {
    const dispose = async (id: string): Promise<void> => {
      throw new Error(`no rights to drop schema ${id}`);
    };
    const report = await ended({ dispose });
    expect(report).toMatchObject({
      verdict: "conformant",
      notes: ["closing a namespace failed: Error: no rights to drop schema kit_…"],
    });
    expect(describeReport(report)).toContain("note: closing a namespace failed: Error: no rights");
  });

  it("is noted: a target that does not close", async () => {
    const close = async (): Promise<void> => {
      throw new Error("the server is stuck");
    };
    const report = await ended({ close });
    expect(report).toMatchObject({
      verdict: "conformant",
      notes: ["closing the target failed: Error: the server is stuck"],
    });
  });

  it("is not waited for without an end", async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    expect(await troubleEnding("closing a namespace", 20, never)).toBe("closing a namespace did not end within 20 ms");
    const hangs = { ...referenceTarget(), close: never };
    expect(await troubleClosing(hangs, 20)).toBe("closing the target did not end within 20 ms");
  });
});
