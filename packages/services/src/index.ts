export { type FreshDatabase } from "./fresh-database.ts";
export { pollUntil, type PollOptions } from "./poll-until.ts";
export {
  postgresIsLeftOut,
  type PostgresOptions,
  type PostgresOrigin,
  type PostgresService,
  startPostgres,
} from "./start-postgres.ts";
export { type HeldAnswers } from "./tcp-link.ts";
export { type HoldOptions, tcpProxy, type TcpProxy, type TcpProxyOptions } from "./tcp-proxy.ts";
export { freshTestDatabase } from "./test-database.ts";
