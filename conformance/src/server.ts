export { judgeServer, type JudgeServerOptions } from "./server/judge-server.ts";
export { serverMutants } from "./server/mutants/catalogue.ts";
export type { ServerMutant } from "./server/mutants/server-mutant.ts";
export {
  type Exchange,
  type Tampering,
  tamperingProxy,
  type TamperingProxy,
} from "./server/mutants/tampering-proxy.ts";
export { serverRules } from "./server/rules/catalogue.ts";
export type { Caller, ServerKit, ServerNeed, ServerRule } from "./server/server-rule.ts";
export { TOOL_ROLES, type ToolRole } from "./server/tools.ts";
