import type { DriverCallOptions, PageAnswer, PagePosition, PageQuery, TaskRecord } from "@mcp-task-store/core";
import { isVisible } from "@mcp-task-store/core/transitions";
import { all, commonInstantUs, ENTRY_WINDOW_US } from "./cluster-shards.ts";
import type { ClusterShards } from "./cluster-shards.ts";
import { entryOf, positionIn, TAGS } from "./keys.ts";
import { asArray, asBytes } from "./reply.ts";
import { taskRecord } from "./row.ts";
import { ENTRIES_A_PAGE, shows } from "./topology.ts";

/**
 * Entries that are looked at beyond what a page needs, since some may lead to nothing. Where most do, as with a filter
 * that few tasks pass, the next look is twice as wide, up to the second.
 */
const SPARE_ENTRIES = { first: 16, most: 500 } as const;

/** An entry of an index, and the index it is from. */
interface Entry {
  readonly index: string;
  readonly member: Buffer;
}

/** A page in the making. */
class Page {
  readonly #shards: ClusterShards;
  readonly #query: PageQuery;
  readonly #options: DriverCallOptions;
  readonly #removeDead: (index: string, members: readonly string[]) => void;
  readonly #startMs: number = performance.now();
  #rows: readonly TaskRecord[] = [];
  #slowestUs = Number.POSITIVE_INFINITY;
  #latestUs = 0;
  #nowUs = 0;
  #left: number = ENTRIES_A_PAGE.cluster;
  #reached: PagePosition | undefined;

  /** @param removeDead what becomes of entries that lead to nothing */
  constructor(
    shards: ClusterShards,
    query: PageQuery,
    options: DriverCallOptions,
    removeDead: (index: string, members: readonly string[]) => void,
  ) {
    this.#shards = shards;
    this.#query = query;
    this.#options = options;
    this.#removeDead = removeDead;
  }

  get missing(): number {
    return this.#query.limit - this.#rows.length;
  }

  /** Whether the page has all that it may have, or looked at as many entries as it may. */
  get isOver(): boolean {
    return this.missing <= 0 || this.#left <= 0;
  }

  /** Not complete before at least one read: its clock is the answer's. @param isAtEnd whether no entries are left */
  answer(isAtEnd: boolean): PageAnswer {
    const reached = this.missing > 0 && !isAtEnd ? this.#reached : undefined;
    return {
      rows: this.#rows.slice(0, this.#query.limit),
      nowUs: this.#nowUs,
      ...(reached === undefined ? {} : { reached }),
    };
  }

  /** Adds the tasks of these entries, which are in listing order, as far as the query shows them. */
  async add(entries: readonly Entry[]): Promise<void> {
    const parsed = entries.map((entry) => ({ ...entry, ...parse(entry.member) }));
    this.#left -= entries.length;
    this.#reached = parsed.at(-1) ?? this.#reached;
    const reads = await this.#shards.read([...new Set(parsed.map(({ taskId }) => taskId))], {}, this.#options);
    const found = new Map(reads.flatMap((read) => [...read.found].map(([id, row]) => [id, { row, read }] as const)));
    const dead = new Map<string, string[]>();
    const rows = parsed.flatMap((entry) => {
      const { row, read } = found.get(entry.taskId) ?? {};
      const record = Array.isArray(row) ? taskRecord(entry.taskId, row) : undefined;
      const isTheirs = record?.createdAt === entry.createdAt && (entry.createId ?? record.createId) === record.createId;
      if (record !== undefined && isTheirs) return shows(this.#query, record.status) ? [record] : [];
      // Of one that has expired nothing was read: maintenance takes care of it. A task may still come for a young entry.
      const isOld = read !== undefined && read.nowUs > entry.createdAt * 1000 + 2 * ENTRY_WINDOW_US;
      if (row !== 0 && isOld) dead.set(entry.index, [...(dead.get(entry.index) ?? []), entry.member.toString()]);
      return [];
    });
    for (const [index, members] of dead) this.#removeDead(index, members);
    const readingsUs = reads.map((read) => read.nowUs);
    this.#slowestUs = Math.min(this.#slowestUs, ...readingsUs);
    this.#latestUs = Math.max(this.#latestUs, ...readingsUs);
    this.#nowUs = commonInstantUs([this.#slowestUs, this.#latestUs], performance.now() - this.#startMs);
    this.#rows = [...this.#rows, ...rows].filter((row) => isVisible(row, this.#nowUs));
  }
}

/** A page of an owner's listing: the index, then the tasks where they are. */
export async function pageOfOwner(
  shards: ClusterShards,
  scope: string,
  query: PageQuery,
  options: DriverCallOptions,
): Promise<PageAnswer> {
  const page = new Page(shards, query, options, (_index, members) => {
    shards.unlistEntries(scope, members).catch(() => {});
  });
  const listing = new IndexReader(shards, shards.keys.listing(scope), query, options);
  for (let spare: number = SPARE_ENTRIES.first; ; spare = wider(spare)) {
    const members = await listing.next(page.missing + spare);
    await page.add(members.map((member) => ({ index: listing.index, member })));
    if (page.isOver || listing.isAtEnd) return page.answer(listing.isAtEnd);
  }
}

/** A page of all tasks, or of those without an owner: the indexes of all shards, merged. */
export async function pageOfShards(
  shards: ClusterShards,
  index: "all" | "unowned",
  query: PageQuery,
  options: DriverCallOptions,
): Promise<PageAnswer> {
  const page = new Page(shards, query, options, (name, members) => shards.removeEntries(name, members));
  const lists = TAGS.map((tag) => ({
    reader: new IndexReader(shards, shards.keys.shard(tag)[index], query, options),
    waiting: [] as Buffer[],
  }));
  for (let spare: number = SPARE_ENTRIES.first; ; spare = wider(spare)) {
    const picked: Entry[] = [];
    let isAtEnd = false;
    while (picked.length < page.missing + spare && !isAtEnd) {
      const empty = lists.filter(({ reader, waiting }) => waiting.length === 0 && !reader.isAtEnd);
      // Twice what each contributes if they are alike, and some, so that hardly ever one has to be asked again.
      const each = 2 * Math.ceil((page.missing + spare) / TAGS.length) + 6;
      await all(empty.map(async (list) => void list.waiting.push(...(await list.reader.next(each)))));
      const first = latest(lists);
      const member = first?.waiting.shift();
      if (first === undefined || member === undefined) isAtEnd = true;
      else picked.push({ index: first.reader.index, member });
    }
    await page.add(picked);
    if (page.isOver || isAtEnd) return page.answer(isAtEnd);
  }
}

function wider(spare: number): number {
  return Math.min(2 * spare, SPARE_ENTRIES.most);
}

/** Walks an index from the newest entry to the oldest. */
class IndexReader {
  readonly index: string;
  readonly #shards: ClusterShards;
  readonly #options: DriverCallOptions;
  #from: string;
  #isAtEnd = false;

  constructor(shards: ClusterShards, index: string, { after }: PageQuery, options: DriverCallOptions) {
    this.#shards = shards;
    this.index = index;
    this.#options = options;
    this.#from = after === undefined ? "+" : `(${entryOf(after.createdAt, after.taskId)}`;
  }

  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  async next(count: number): Promise<readonly Buffer[]> {
    const values = [this.index, this.#from, "-", "LIMIT", "0", String(count)];
    const { signal } = this.#options;
    const reply = await this.#shards.connection.command("zrevrangebylex", values, { doing: "reading", signal });
    const members = asArray(reply).map(asBytes);
    const last = members.at(-1);
    if (last !== undefined) this.#from = `(${last.toString()}`;
    this.#isAtEnd = members.length < count;
    return members;
  }
}

/** The one whose first waiting entry comes first in listing order, which goes by bytes. */
function latest<T extends { readonly waiting: readonly Buffer[] }>(lists: readonly T[]): T | undefined {
  let found: T | undefined;
  let newest: Buffer | undefined;
  for (const list of lists) {
    const [first] = list.waiting;
    if (first === undefined || (newest !== undefined && Buffer.compare(first, newest) < 0)) continue;
    [found, newest] = [list, first];
  }
  return found;
}

/** See lua/indexes.ts; a shard's own indexes have no `createId`. */
function parse(member: Buffer): PagePosition & { readonly createId?: string } {
  const text = member.toString();
  const end = text.indexOf("\0");
  return { ...positionIn(text), ...(end === -1 ? {} : { createId: text.slice(end + 3) }) };
}
