import { TaskStoreError } from "@mcp-task-store/core";
import type { PagePosition } from "@mcp-task-store/core";

const SHARDS = 256;

/**
 * The names of everything that is stored. All keys of a task share a hash tag, one of 256: so one script may change them
 * at once, also in a cluster, over whose slots the tags are spread. The tag is the only pair of braces that Redis looks
 * at, since prefixes have none and it comes first: ids may hold what they like.
 */
export class Keys {
  readonly prefix: string;

  /** @param prefix checked: no braces */
  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** Where hints are published. */
  get channel(): string {
    return `${this.prefix}hints`;
  }

  /** The layout's version. */
  get layout(): string {
    return `${this.prefix}layout`;
  }

  /** @throws TaskStoreError INVALID_ARGUMENT */
  of(taskId: string): TaskKeys {
    const tag = tagOf(checkText("taskId", taskId));
    return {
      tag,
      task: `${this.#shard(tag)}t:${taskId}`,
      messages: `${this.#shard(tag)}m:${taskId}`,
      ...this.shard(tag),
    };
  }

  /** In a shard, and no task's. */
  probe(tag: string): string {
    return `${this.#shard(tag)}probe`;
  }

  /** The indexes of a shard. */
  shard(tag: string): ShardKeys {
    const shard = this.#shard(tag);
    return { due: `${shard}due`, all: `${shard}all`, unowned: `${shard}unowned` };
  }

  /** The listing of an owner. @param stored see {@link storedScope} */
  listing(stored: string): string {
    return `${this.#shard(stored.slice(0, 2))}s:${stored.slice(2)}`;
  }

  /** The listing of an owner, and what maintenance knows of it: see lua/listed.ts. All in one slot. */
  listed(stored: string): readonly [listing: string, owners: string, places: string] {
    const tag = stored.slice(0, 2);
    return [this.listing(stored), this.owners(tag), `${this.#shard(tag)}places`];
  }

  /** The owners whose listings have this tag, in a cluster. */
  owners(tag: string): string {
    return `${this.#shard(tag)}owners`;
  }

  #shard(tag: string): string {
    return `${this.prefix}{${tag}}:`;
  }
}

export interface ShardKeys {
  readonly due: string;
  readonly all: string;
  readonly unowned: string;
}

export interface TaskKeys extends ShardKeys {
  readonly tag: string;
  readonly task: string;
  readonly messages: string;
}

export const TAGS: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => hex(shard));

/** An owner as it is stored: behind the tag of its listing, so that scripts find that. @throws TaskStoreError INVALID_ARGUMENT */
export function storedScope(scope: string): string {
  return tagOf(checkText("scope", scope)) + scope;
}

/** FNV-1a over the UTF-16 code units, folded to 8 bits. Part of the layout: it never changes. */
export function tagOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hex((hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 0xff);
}

/** Entries of indexes begin with this: see lua/indexes.ts. */
export function entryOf(createdAt: number, taskId: string): string {
  return String(createdAt).padStart(16, "0") + taskId;
}

/** The creation and the task at the beginning of an entry; what stands behind a NUL is left out. */
export function positionIn(entry: string): PagePosition {
  const end = entry.indexOf("\0");
  return { createdAt: Number(entry.slice(0, 16)), taskId: entry.slice(16, end === -1 ? undefined : end) };
}

/** The tag of the task's shard, in an entry of an owner's listing. */
export function taskTagIn(entry: string): string {
  const end = entry.indexOf("\0");
  return entry.slice(end + 1, end + 3);
}

function hex(shard: number): string {
  return shard.toString(16).padStart(2, "0");
}

/** Two texts with unpaired surrogates would become the same bytes, and a NUL ends an entry's id. */
function checkText(argument: string, text: string): string {
  if (text.isWellFormed() && !text.includes("\0")) return text;
  throw new TaskStoreError("INVALID_ARGUMENT", `${argument} must be well-formed Unicode without NUL`, { argument });
}
