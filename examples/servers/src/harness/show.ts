/** One example, shown: what it is given, and what it says. */
import { freePort } from "@mcp-task-store/services";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { TaskClient, type TaskClientOptions } from "../task-client.ts";
import { Child } from "./child.ts";
import type { ServerName } from "./servers.ts";

export interface Show {
  readonly title: string;
  /** Without it there is nothing to show. undefined: Postgres if there is one, else memory. */
  readonly needs: ServerName | undefined;
  play(stage: Stage): Promise<void>;
}

/** What a show works with. Whatever it starts here is ended with it. */
export class Stage implements AsyncDisposable {
  /** A place of its own on a server; undefined: this run does without. */
  readonly databaseUrl: string | undefined;
  /** Fires when the show has taken too long, or is to stop. */
  readonly signal: AbortSignal;
  readonly lines: string[] = [];
  #isGood = true;
  readonly #down = new AsyncDisposableStack();

  constructor(databaseUrl: string | undefined, signal: AbortSignal) {
    this.databaseUrl = databaseUrl;
    this.signal = signal;
  }

  /** Whether everything that was checked held. */
  get isGood(): boolean {
    return this.#isGood;
  }

  say(text: string): void {
    this.lines.push(`  ${text}`);
  }

  /** Says what was promised, and what was seen; `seen` is compared with `wanted`. */
  check(promise: string, seen: unknown, wanted: unknown): void {
    const holds = String(seen) === String(wanted);
    this.#isGood &&= holds;
    this.lines.push(
      holds ? `  ok  ${promise}: ${String(seen)}` : `  NO  ${promise}: ${String(seen)}, not ${String(wanted)}`,
    );
  }

  fail(error: unknown): void {
    this.#isGood = false;
    this.lines.push(`  NO  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  use<T extends AsyncDisposable>(thing: T): T {
    return this.#down.use(thing);
  }

  startProgram(program: string, environment: Readonly<Record<string, string>> = {}): Child {
    const database = this.databaseUrl === undefined ? {} : { DATABASE_URL: this.databaseUrl };
    return this.use(new Child(program, { ...database, ...environment }));
  }

  /** @returns the program, and where it listens: the port that it is told, or one that stays free after it */
  async startServer(program: string, port?: number): Promise<{ readonly server: Child; readonly url: URL }> {
    const server = this.startProgram(program, { PORT: String(port ?? (await freePort())) });
    const [, url = ""] = await server.line(/^listening on (\S+)/);
    return { server, url: new URL(url) };
  }

  async connect(url: URL, subject: string, options: TaskClientOptions = {}): Promise<TaskClient> {
    const authProvider = { token: () => Promise.resolve(`token-of-${subject}`) };
    return this.use(await TaskClient.connect(new StreamableHTTPClientTransport(url, { authProvider }), options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#down.disposeAsync();
  }
}
