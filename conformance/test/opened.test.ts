import { describe, expect, it } from "vitest";
import { OptionError, runConformance } from "../src/index.ts";
import { sdkV1Target } from "../src/sdk-v1.ts";
import { driverTarget, storeTarget } from "../src/targets.ts";

/** What code without types gives. */
const untyped = (json: string) => JSON.parse(json);

describe("open", () => {
  it.each([
    ["storeTarget", storeTarget],
    ["driverTarget", driverTarget],
    ["sdkV1Target", sdkV1Target],
  ])("has to be there: %s", (name, target) => {
    const make = (): unknown => target(untyped('{ "name": "mine", "open": "a path" }'));
    expect(make).toThrow(OptionError);
    expect(make).toThrow(`${name} needs open, a function; got 'a path'`);
  });

  it.each([
    ["null", storeTarget, "open gave null, not a TaskStore"],
    ['{ "store": 1 }', storeTarget, "open gave { store: 1 }, not a TaskStore"],
    ["null", driverTarget, "open gave null, not a TaskDriver"],
  ])("gives what it has to: %s", async (json, target, problem) => {
    const report = await runConformance(target({ name: "mine", open: () => untyped(json) }), {
      rules: ["lifecycle/times"],
    });
    expect(report.rules).toMatchObject([
      { outcome: "could-not-run", reason: `opening a handle failed: OptionError: ${problem}` },
    ]);
  });
});
