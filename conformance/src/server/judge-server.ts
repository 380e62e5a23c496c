import type { Generation } from "@mcp-task-store/core";
import { anyEnd, type Settled } from "../attempt.ts";
import { inTime } from "../in-time.ts";
import { Journal } from "../journal.ts";
import { couldNotRun, judged, type Played, tooLong } from "../judgement.ts";
import { OptionError } from "../option-error.ts";
import { factsOf, type JudgeOptions, type Plan, planOf } from "../plan.ts";
import { inShell } from "../report/in-shell.ts";
import { type Judged, type Report, reportOf, type RuleReport, ruleReport, type RunFacts } from "../report.ts";
import { mergedRounds } from "../rounds.ts";
import { DEFAULT_DEADLINE_MS, type Timing } from "../timing.ts";
import type { Headers } from "./http-answer.ts";
import { TASKS_EXTENSION } from "./modern-client.ts";
import { serverRules } from "./rules/catalogue.ts";
import { type ServerAddress, WireKit } from "./server-kit.ts";
import { NotOffered, type ServerNeed, type ServerRule } from "./server-rule.ts";
import { SESSION_VERSION } from "./session.ts";
import { TOOL_NAMES, TOOL_ROLES, type ToolRole } from "./tools.ts";
import { isJsonObject, objectIn } from "./wire-message.ts";

export interface JudgeServerOptions extends JudgeOptions {
  /** Sent with each request, and never shown: who is calling. */
  readonly headers?: Headers | undefined;
  /** Those of somebody else, for the rules about foreign tasks. */
  readonly otherHeaders?: Headers | undefined;
  /** Whether the server also serves callers without any of these headers. @default true where none are given */
  readonly anonymous?: boolean | undefined;
  /** What the server calls its tools, where that is not what they are called here. */
  readonly tools?: Partial<Readonly<Record<ToolRole, string>>> | undefined;
  readonly onProgress?: ((rule: RuleReport, done: number, of: number) => void) | undefined;
}

/** How many rules are played at a time: a server is not stormed. */
const CONCURRENCY = 4;

/** For how long replays of one rule are begun. */
const REPLAY_MS = 30_000;

/** Longest time for a rule, in deadlines D. */
const MAX_DEADLINES = 8;

const ROUNDS = 10;

/**
 * Judges a server by what it shows to any client, over HTTP. Never rejects for what the server does: that is in the
 * report.
 * @param url of its endpoint
 * @throws OptionError for an option that cannot be
 */
export async function judgeServer(url: string, options: JudgeServerOptions = {}): Promise<Report> {
  const started = performance.now();
  const plan = planOf(options, serverRules);
  const judging = new ServerJudging(checkedUrl(url), plan, options);
  const rounds = await judging.play();
  const durationMs = performance.now() - started;
  const { facts, timing } = judging;
  return reportOf(facts, mergedRounds(rounds), { durationMs, timing, notes: [], baseline: plan.baseline });
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new OptionError("the url has to begin with http:// or https://");
}

class ServerJudging {
  readonly facts: RunFacts;
  timing: Timing | undefined;
  readonly #plan: Plan<ServerRule>;
  readonly #options: JudgeServerOptions;
  readonly #address: ServerAddress;
  #deadlineMs: number;
  #done = 0;

  constructor(url: URL, plan: Plan<ServerRule>, options: JudgeServerOptions) {
    this.#plan = plan;
    this.#options = options;
    const { headers = {}, otherHeaders = {}, tools = {} } = options;
    const named = Object.fromEntries(TOOL_ROLES.map((role) => [role, tools[role] ?? role]));
    this.#address = {
      url: url.href,
      headers: { caller: headers, other: otherHeaders, nobody: {} },
      tools: { ...TOOL_NAMES, ...named },
    };
    this.facts = factsOf(plan, { name: shownUrl(url) }, commandFor(url, options));
    this.#deadlineMs = options.timing?.minDeadlineMs ?? DEFAULT_DEADLINE_MS;
  }

  async play(): Promise<readonly (readonly RuleReport[])[]> {
    const spoken = new Map<Generation, Settled<ReadonlySet<string>>>();
    for (const generation of ["2025-11-25", "2026-07-28"] as const) {
      if (this.#plan.rules.some((rule) => rule.generation === generation)) {
        spoken.set(generation, await anyEnd(this.#lookAt(generation)));
      }
    }
    const rounds: (readonly RuleReport[])[] = [];
    for (const round of this.#plan.rounds) rounds.push(await this.#round(round, spoken));
    return rounds;
  }

  async #round(
    round: number,
    spoken: ReadonlyMap<string, Settled<ReadonlySet<string>>>,
  ): Promise<readonly RuleReport[]> {
    const reports = new Map<string, RuleReport>();
    const waiting = [...this.#plan.rules];
    const lane = async (): Promise<void> => {
      for (let rule = waiting.shift(); rule !== undefined; rule = waiting.shift()) {
        reports.set(rule.id, await this.#report(rule, round, spoken.get(rule.generation)));
      }
    };
    await Promise.all(Array.from({ length: this.#plan.concurrency ?? CONCURRENCY }, lane));
    return this.#plan.rules.flatMap((rule) => reports.get(rule.id) ?? []);
  }

  async #report(rule: ServerRule, round: number, tools: Settled<ReadonlySet<string>> | undefined): Promise<RuleReport> {
    const started = performance.now();
    const { seed, replays } = this.#plan;
    const ended = await this.#judged(rule, tools);
    const durationMs = performance.now() - started;
    const claims = { claims: undefined, ruleset: this.facts.ruleset };
    const report = ruleReport(rule, ended, { seed, round, durationMs }, claims);
    this.#done += 1;
    this.#options.onProgress?.(report, this.#done, this.#plan.rules.length * this.#plan.rounds.length);
    if (report.outcome !== "fail" || replays === 0) return report;
    const until = performance.now() + REPLAY_MS;
    const tally = { failed: 0, of: 0 };
    while (tally.of < replays && (tally.of === 0 || performance.now() < until)) {
      const { outcome } = await this.#judged(rule, tools);
      tally.of += 1;
      if (outcome === "fail") tally.failed += 1;
    }
    return { ...report, replays: tally };
  }

  async #judged(rule: ServerRule, tools: Settled<ReadonlySet<string>> | undefined): Promise<Judged> {
    if (tools?.kind !== "fulfilled") {
      const error = tools?.error;
      if (error instanceof NotOffered) return { outcome: "not-applicable", reason: error.message };
      return couldNotRun("the server was not reached", error);
    }
    const missing = rule.needs.find((need) => !this.#has(need, tools.value));
    if (missing !== undefined) return { outcome: "not-applicable", reason: reasonOf(missing, this.#address) };
    const journal = new Journal();
    const limit = MAX_DEADLINES * Math.max(DEFAULT_DEADLINE_MS, this.#deadlineMs);
    const ended = await inTime(limit, anyEnd(this.#played(rule, journal)));
    if (ended === undefined) return tooLong(limit);
    const offer = ended.kind === "fulfilled" && ended.value.play.kind === "threw" ? ended.value.play.error : undefined;
    if (offer instanceof NotOffered) return { outcome: "not-applicable", reason: offer.message };
    return judged(ended, journal);
  }

  async #played(rule: ServerRule, journal: Journal): Promise<Played> {
    const kit = new WireKit(this.#address, journal, this.#deadlineMs);
    try {
      return { play: await rule.play(kit) };
    } finally {
      await kit.close();
    }
  }

  #has(need: ServerNeed, tools: ReadonlySet<string>): boolean {
    const { headers, otherHeaders, anonymous } = this.#options;
    const known = Object.keys(headers ?? {}).length > 0;
    switch (need) {
      case "other":
        return known && Object.keys(otherHeaders ?? {}).length > 0;
      case "identity":
        return known;
      case "nobody":
        return anonymous ?? !known;
      default:
        return tools.has(this.#address.tools[need]);
    }
  }

  /**
   * Measures the server, and reads what tools it has.
   * @throws CouldNotRun if it cannot be reached
   * @throws NotOffered if it has no tasks of this generation, and none of this generation were asked for
   */
  async #lookAt(generation: Generation): Promise<ReadonlySet<string>> {
    const kit = new WireKit(this.#address, new Journal(), this.#deadlineMs);
    try {
      const session = generation === SESSION_VERSION ? await kit.session() : undefined;
      const client = session ?? kit.modern();
      const greeting = session?.greeting ?? (await client.call("server/discover"));
      const capabilities = objectIn(greeting.message?.result, "capabilities");
      const tasks =
        session === undefined ? objectIn(capabilities, "extensions")[TASKS_EXTENSION] : capabilities["tasks"];
      if (!isJsonObject(tasks) && this.#options.generation === undefined) {
        const asked = session === undefined ? "server/discover" : "initialize";
        if (greeting.message !== undefined) throw new NotOffered(`the server declares no tasks of ${generation}`);
        throw new NotOffered(`no MCP message answered ${asked}, only HTTP ${greeting.status}`);
      }
      const samples: number[] = [];
      let listed: unknown;
      for (let round = 0; round < ROUNDS; round += 1) {
        const started = performance.now();
        const { message } = await client.call("tools/list");
        samples.push(performance.now() - started);
        listed = message?.result?.["tools"];
      }
      this.#calibrate(samples.sort((a, b) => a - b));
      const tools = (Array.isArray(listed) ? listed : []).filter(isJsonObject);
      return new Set(tools.map((tool) => String(tool["name"])));
    } finally {
      await kit.close();
    }
  }

  #calibrate(samples: readonly number[]): void {
    const [p50 = 0, p99 = 0] = [samples[Math.floor(samples.length / 2)], samples.at(-1)];
    this.#deadlineMs = Math.ceil(Math.max(this.#deadlineMs, 50 * p99));
    this.timing = { unitMs: UNIT_MS, deadlineMs: this.#deadlineMs, callMs: { p50, p99 }, inProcess: false };
  }
}

/** What rules let slow_compute work for, when they watch it. */
const UNIT_MS = 1_000;

function reasonOf(need: ServerNeed, { tools }: ServerAddress): string {
  switch (need) {
    case "other":
      return "needs a second caller";
    case "identity":
      return "needs a caller that is known";
    case "nobody":
      return "needs a server that serves callers it does not know";
    default:
      return `needs the tool ${tools[need]}${tools[need] === need ? "" : `, for ${need}`}`;
  }
}

/** Without what may be secret in it. */
function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Without the values of headers: they may be secret. */
function commandFor(url: URL, options: JudgeServerOptions): string {
  const { generation, tools = {}, headers, otherHeaders, anonymous } = options;
  const named = Object.entries(tools).map(([role, name]) => ` --tool ${inShell(`${role}=${name}`)}`);
  const secret = [
    ...Object.keys(headers ?? {}).map((name) => ` --header ${inShell(`${name}: …`)}`),
    ...Object.keys(otherHeaders ?? {}).map((name) => ` --other-header ${inShell(`${name}: …`)}`),
  ];
  const only = generation === undefined ? "" : ` --generation ${generation}`;
  const open = anonymous === true ? " --anonymous" : "";
  return `server --url ${inShell(shownUrl(url))}${only}${named.join("")}${secret.join("")}${open}`;
}
