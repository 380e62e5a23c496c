/** Every requirement of 2025-11-25 basic/utilities/tasks that a client can see of a server, over Streamable HTTP. */
import { describe, expect, it } from "vitest";
import { BACKENDS } from "../two-stores.ts";
import { CALLS } from "./requirements/calls.ts";
import { LISTING } from "./requirements/listing.ts";
import { MESSAGES } from "./requirements/messages.ts";
import { type Requirement, SEEN_BY_CLIENTS } from "./requirements/requirement.ts";
import { RESULTS } from "./requirements/results.ts";
import { scene } from "./requirements/scene.ts";

const REQUIREMENTS: readonly Requirement[] = [...CALLS, ...RESULTS, ...MESSAGES, ...LISTING];

const ALICE = { user: "alice", answer: () => ({ action: "accept" as const, content: {} }) };

describe.each(BACKENDS)("a server with TasksSupport on $name", (backend) => {
  it.skipIf(backend.isLeftOut).each(REQUIREMENTS.map((requirement) => [nameOf(requirement), requirement] as const))(
    "%s",
    async (_name, { client = ALICE, check }) => {
      await using play = await scene(backend, client);
      await expect(check(play)).resolves.toBeUndefined();
    },
  );
});

it("each requirement that a client can see is checked", () => {
  const checked = new Set(REQUIREMENTS.flatMap(({ ids }) => ids));
  expect(SEEN_BY_CLIENTS.filter((id) => !checked.has(id))).toEqual([]);
});

function nameOf({ says, ids }: Requirement): string {
  return ids.length === 0 ? says : `${says} (${ids.join(" ")})`;
}
