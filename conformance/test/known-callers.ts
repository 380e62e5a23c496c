import type { JudgeServerOptions } from "../src/server.ts";

/** How the fixture server is judged: by two callers that it knows, and one that it does not. */
export const KNOWN_CALLERS: JudgeServerOptions = {
  headers: { Authorization: "Bearer alice" },
  otherHeaders: { Authorization: "Bearer bob" },
  anonymous: true,
  replays: 0,
  // Only servers that are wrong on purpose leave anything waiting.
  timing: { minDeadlineMs: 4_000 },
};
