import type { ServerRule } from "../server-rule.ts";
import * as modernAccess from "./modern-access.ts";
import * as modernCapability from "./modern-capability.ts";
import * as modernInputs from "./modern-inputs.ts";
import * as modernListen from "./modern-listen.ts";
import * as modernResults from "./modern-results.ts";
import * as sessionAccess from "./session-access.ts";
import * as sessionConversation from "./session-conversation.ts";
import * as sessionLifecycle from "./session-lifecycle.ts";
import * as sessionResults from "./session-results.ts";

/**
 * What a server shows to any client. "x": the extension of 2026-07-28, as far as the official scenarios do not judge
 * it; "s": tasks of 2025-11-25. A theme's file exports nothing but rules.
 */
export const serverRules: readonly ServerRule[] = [
  modernCapability,
  modernResults,
  modernInputs,
  modernAccess,
  modernListen,
  sessionLifecycle,
  sessionResults,
  sessionConversation,
  sessionAccess,
  // As in the catalogue of rules about stores.
].flatMap((theme): readonly ServerRule[] => Object.values(theme).sort((a, b) => (a.id < b.id ? -1 : 1)));
