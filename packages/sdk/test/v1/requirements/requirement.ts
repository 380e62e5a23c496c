import type { TestClientOptions } from "../test-client.ts";
import type { Scene } from "./scene.ts";

/**
 * What a client can see a server of 2025-11-25 fulfil: each by its number in our catalogue of basic/utilities/tasks.
 * Each has a check below, which `requirements.test.ts` makes sure of.
 */
export const SEEN_BY_CLIENTS = [
  "S-01",
  "S-06",
  "S-09",
  "S-10",
  "S-12",
  "S-15",
  "S-17",
  "S-18",
  "S-19",
  "S-21",
  "S-22",
  "S-25",
  "S-26",
  "S-28",
  "S-30",
  "S-31",
  "S-32",
  "S-34",
  "S-36",
  "S-37",
  "S-38",
  "S-39",
  "S-40",
  "S-41",
  "S-42",
  "S-43",
  "S-45",
  "S-46",
  "S-47",
  "S-48",
  "S-49",
  "S-51",
  "S-52",
  "S-54",
  "S-55",
  "S-56",
  "S-57",
  "S-58",
  "S-61",
  "S-62",
  "S-63",
  "S-65",
  "S-66",
  "S-67",
  "S-68",
  "S-69",
  "S-72",
  "S-73",
  "S-74",
] as const;

export type RequirementId = (typeof SEEN_BY_CLIENTS)[number];

/** One thing that a client sees, and what it looks at to see it. */
export interface Requirement {
  /** None: it is no requirement of the specification, but what a client may expect all the same. */
  readonly ids: readonly RequirementId[];
  readonly says: string;
  /** @default alice, who shows forms and accepts them */
  readonly client?: TestClientOptions;
  readonly check: (scene: Scene) => Promise<void>;
}
