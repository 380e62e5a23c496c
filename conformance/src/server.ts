import { serverRules as catalogue } from "./server/rules/catalogue.ts";
import type { ServerRuleData } from "./server/server-rule.ts";

export { judgeServer, type JudgeServerOptions } from "./server/judge-server.ts";
export { serverMutants } from "./server/mutants/catalogue.ts";
export type { ServerMutant } from "./server/mutants/server-mutant.ts";
export {
  type Exchange,
  type Tampering,
  tamperingProxy,
  type TamperingProxy,
} from "./server/mutants/tampering-proxy.ts";
export type { ServerNeed, ServerRuleData } from "./server/server-rule.ts";
export { TOOL_ROLES, type ToolRole } from "./server/tools.ts";

/** Every rule about servers, in the order in which reports show them. */
export const serverRules: readonly ServerRuleData[] = catalogue;
