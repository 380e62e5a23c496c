import { randomUUID } from "node:crypto";
import type { TaskMessageQueue, TaskStore as SdkStore } from "@modelcontextprotocol/sdk/experimental/tasks";
import { checkOpen } from "../opened.ts";
import type { Target, TargetNamespace } from "../target.ts";
import { connectSdk } from "./connect-sdk.ts";
import { fromSdkV1, type SdkOwners } from "./from-sdk-v1.ts";
import { SDK_V1_RULES, SDK_V1_SESSION_RULES } from "./sdk-v1-rules.ts";

/** A store of the SDK, and the queue beside it, if there is one. */
export interface SdkV1Stores {
  readonly store: SdkStore;
  readonly queue?: TaskMessageQueue | undefined;
}

/** How to reach a store that implements the interfaces of the SDK 1.x. */
export interface SdkV1TargetOptions extends Pick<Target, "name" | "version" | "claims" | "concurrency"> {
  /**
   * Whether the store keeps sessions apart. false: for one that is made anew for each caller, or serves one only; then
   * nothing that rests on sessions is judged. @default true
   */
  readonly sessions?: boolean;
  /**
   * The tasks of a namespace. Called twice with one id it gives stores on the same tasks, as two processes would have;
   * called with two ids, stores that see nothing of each other.
   */
  readonly open: (namespaceId: string) => SdkV1Stores | Promise<SdkV1Stores>;
  /** Makes room for a namespace before its first `open`. */
  readonly setup?: (namespaceId: string) => Promise<void>;
  /** Removes a namespace. */
  readonly dispose?: (namespaceId: string) => Promise<void>;
  /** See {@link TargetNamespace.restart}. */
  readonly restart?: (namespaceId: string) => Promise<void>;
}

/**
 * A store of the SDK 1.x as a target: judged by those rules that its interfaces can express, through `fromSdkV1`, and by
 * the rules `v1/*`, which look at the interfaces themselves.
 */
export function sdkV1Target(options: SdkV1TargetOptions): Target {
  const { open, setup, dispose, restart, sessions = true, ...description } = options;
  checkOpen("sdkV1Target", open);
  return {
    ...description,
    opensTwice: true,
    settings: [],
    rules: sessions ? [...SDK_V1_RULES, ...SDK_V1_SESSION_RULES] : SDK_V1_RULES,
    async namespace(): Promise<TargetNamespace> {
      const namespaceId = `kit_${randomUUID().replaceAll("-", "").slice(0, 16)}`;
      await setup?.(namespaceId);
      const owners: SdkOwners = new Map();
      return {
        async open() {
          const { store, queue } = await open(namespaceId);
          return fromSdkV1(store, queue, owners);
        },
        async openSdkV1() {
          const { store, queue } = await open(namespaceId);
          return { store, queue, connect: connectSdk };
        },
        ...(restart === undefined ? {} : { restart: () => restart(namespaceId) }),
        async [Symbol.asyncDispose]() {
          await dispose?.(namespaceId);
        },
      };
    },
  };
}
