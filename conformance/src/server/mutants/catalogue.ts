import { modernCapability, modernResults } from "./modern.ts";
import { modernInputs, modernListen } from "./modern-conversation.ts";
import type { ServerMutant } from "./server-mutant.ts";
import { sessionAccess, sessionLifecycle, sessionResults } from "./session.ts";
import { sessionConversation } from "./session-conversation.ts";

/** Servers that are wrong on purpose, one fault each: they prove that the rules find what they look for. */
export const serverMutants: readonly ServerMutant[] = [
  modernCapability,
  modernResults,
  modernInputs,
  modernListen,
  sessionLifecycle,
  sessionResults,
  sessionConversation,
  sessionAccess,
].flat();
