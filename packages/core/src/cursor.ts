import { TaskStoreError } from "./errors.ts";
import type { PagePosition } from "./task-driver.ts";

const VERSION = 1;
const MAX_CURSOR_LENGTH = 2_048;
const TAG_BYTES = 12;

/**
 * A position in a listing as an opaque text. It names no scope: the scope comes from whoever presents it, and the tag
 * ties it to the one it was made for, so that an edited cursor shows its owner's tasks at most (promise 10).
 */
export async function encodeCursor(
  position: PagePosition,
  store: string,
  scope: string | null | undefined,
): Promise<string> {
  const body = toBase64Url(new TextEncoder().encode(JSON.stringify([VERSION, position.createdAt, position.taskId])));
  return `${body}.${await tag(body, store, scope)}`;
}

/**
 * The position in a cursor of this store and scope.
 * @throws TaskStoreError INVALID_CURSOR for anything else: garbage, cut, old, foreign, all alike (S-62)
 */
export async function decodeCursor(
  cursor: string,
  store: string,
  scope: string | null | undefined,
): Promise<PagePosition> {
  const position = cursor.length <= MAX_CURSOR_LENGTH ? await parse(cursor, store, scope) : undefined;
  if (position === undefined) {
    throw new TaskStoreError("INVALID_CURSOR", "The cursor is not one of this listing; start again without a cursor.");
  }
  return position;
}

async function parse(
  cursor: string,
  store: string,
  scope: string | null | undefined,
): Promise<PagePosition | undefined> {
  const [body = "", mark = "", ...rest] = cursor.split(".");
  if (rest.length > 0 || mark !== (await tag(body, store, scope))) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder().decode(fromBase64Url(body)));
  } catch {
    return undefined;
  }
  if (!Array.isArray(content)) return undefined;
  const [version, createdAt, taskId]: readonly unknown[] = content;
  if (version !== VERSION || !Number.isSafeInteger(createdAt) || typeof createdAt !== "number") return undefined;
  return typeof taskId === "string" && taskId.isWellFormed() && !taskId.includes("\u0000")
    ? { createdAt, taskId }
    : undefined;
}

/** JSON keeps the parts apart whatever they contain; "all" and the unowned scope differ from any principal. */
async function tag(body: string, store: string, scope: string | null | undefined): Promise<string> {
  const whose = scope === undefined ? ["all"] : ["scope", scope];
  return toBase64Url((await sha256(JSON.stringify(["cursor", body, store, whose]))).subarray(0, TAG_BYTES));
}

/**
 * The task id of an idempotency key: the same for the same principal in every process, and of no use to anybody else,
 * whose scope it fails.
 */
export async function idempotentTaskId(principal: string, key: string): Promise<string> {
  return `k-${toBase64Url(await sha256(JSON.stringify(["task", principal, key])))}`;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCodePoint(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function fromBase64Url(text: string): Uint8Array {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
