import { createHash } from "node:crypto";

/** A Lua script, by the name under which a server that has seen it knows it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function script(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
