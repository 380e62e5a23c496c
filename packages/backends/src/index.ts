export { openStoreAt } from "./open-store-at.ts";
export { isLeftOut, type ServerBackendName, serverBackends } from "./server-backends.ts";
export { type ServerBackend, startBackend, type StartBackendOptions } from "./start-backend.ts";
