import { describe, expect, it } from "vitest";
import {
  checkTasksCapability,
  type ClientTasksCapability,
  hasTaskAugmentedElicitation,
  hasTaskAugmentedSampling,
  requireTaskAugmentedElicitation,
  requireTaskAugmentedSampling,
} from "../src/client-capabilities.ts";

const elicitation: ClientTasksCapability = { requests: { elicitation: { create: {} } } };
const sampling: ClientTasksCapability = { requests: { sampling: { createMessage: {} } } };
const both: ClientTasksCapability = { requests: { ...elicitation.requests, ...sampling.requests } };
const neither: ClientTasksCapability = { list: {}, cancel: {}, requests: { elicitation: {}, sampling: {} } };

describe("checkTasksCapability", () => {
  it.each<[string, ClientTasksCapability, ClientTasksCapability, boolean]>([
    ["nothing is required of a client without any", {}, {}, true],
    ["nothing is required of a client with all", {}, both, true],
    ["requests are required of a client that names none", elicitation, { list: {} }, false],
    ["elicitation is there", elicitation, elicitation, true],
    ["elicitation is missing", elicitation, sampling, false],
    ["sampling is there", sampling, both, true],
    ["sampling is missing", sampling, elicitation, false],
    ["one of two is missing", both, sampling, false],
    ["both are there", both, both, true],
    ["the parts are named without their requests", both, neither, false],
    ["a part without its request is required", neither, neither, true],
  ])("%s", (_name, required, client, expected) => {
    expect(checkTasksCapability(required, client)).toBe(expected);
  });
});

describe("what a client takes as a task", () => {
  it.each<[string, ClientTasksCapability | undefined, boolean, boolean]>([
    ["no tasks capability", undefined, false, false],
    ["an empty one", {}, false, false],
    ["parts without requests", neither, false, false],
    ["elicitation", elicitation, true, false],
    ["sampling", sampling, false, true],
    ["both", both, true, true],
  ])("%s", (_name, tasks, elicits, samples) => {
    expect(hasTaskAugmentedElicitation({ tasks })).toBe(elicits);
    expect(hasTaskAugmentedSampling({ tasks })).toBe(samples);
    const refusal = (request: string): object => ({ code: "NOT_SUPPORTED", message: expect.stringContaining(request) });
    const elicit = (): void => requireTaskAugmentedElicitation({ tasks });
    const sample = (): void => requireTaskAugmentedSampling({ tasks });
    if (elicits) expect(elicit).not.toThrow();
    else expect(elicit).toThrow(expect.objectContaining(refusal("tasks.requests.elicitation.create")));
    if (samples) expect(sample).not.toThrow();
    else expect(sample).toThrow(expect.objectContaining(refusal("tasks.requests.sampling.createMessage")));
  });

  it("is nothing while the client has not told", () => {
    expect(() => requireTaskAugmentedElicitation(undefined)).toThrow(/elicitation\.create/);
    expect(() => requireTaskAugmentedSampling(undefined)).toThrow(/sampling\.createMessage/);
  });
});
