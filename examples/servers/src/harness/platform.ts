/**
 * What a serverless platform does with ../serverless.ts: starts an instance when a call comes and there is none, and
 * ends it, without a word, when it has had nothing to do for a while.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, request as send, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { Child } from "./child.ts";

const KEEP_IDLE_MS = 400;

interface Instance {
  readonly child: Child;
  readonly port: number;
}

export class Platform implements AsyncDisposable {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #server: Server;
  #instance: Promise<Instance> | undefined;
  #started = 0;
  #calls = 0;
  #ending: NodeJS.Timeout | undefined;

  private constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment;
    this.#server = createServer((request, response) => {
      this.#forward(request, response).catch(() => {
        response.statusCode = 502;
        response.end();
      });
    });
  }

  static async start(environment: Readonly<Record<string, string>>): Promise<Platform> {
    const platform = new Platform(environment);
    platform.#server.listen(0, "127.0.0.1");
    await once(platform.#server, "listening");
    return platform;
  }

  get url(): URL {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new TypeError("the platform does not listen");
    return new URL(`http://127.0.0.1:${address.port}/mcp`);
  }

  /** How many instances there have been. */
  get started(): number {
    return this.#started;
  }

  get isRunning(): boolean {
    return this.#instance !== undefined;
  }

  /** The cron. */
  async cron(): Promise<void> {
    const answer = await this.#call("/cron", "POST", {}, "");
    await text(answer);
  }

  /** Ends the instance in the middle of its work, as at a limit. */
  async killInstance(): Promise<void> {
    const instance = this.#instance;
    this.#instance = undefined;
    clearTimeout(this.#ending);
    await (await instance)?.child.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.killInstance();
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#call(request.url ?? "/", request.method ?? "POST", request.headers, await text(request));
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    response.once("close", () => answer.destroy());
  }

  async #call(
    path: string,
    method: string,
    headers: NodeJS.Dict<string | string[]>,
    body: string,
  ): Promise<IncomingMessage> {
    this.#calls += 1;
    clearTimeout(this.#ending);
    try {
      const { port } = await (this.#instance ??= this.#startInstance());
      const call = send({ host: "127.0.0.1", port, path, method, headers: { ...headers, host: `127.0.0.1:${port}` } });
      call.end(body);
      const [answer]: readonly unknown[] = await once(call, "response");
      if (!isMessage(answer)) throw new TypeError("no answer");
      return answer;
    } finally {
      this.#calls -= 1;
    }
  }

  async #startInstance(): Promise<Instance> {
    this.#started += 1;
    const child = new Child("serverless-instance.ts", this.#environment);
    child.onMessage((state) => {
      clearTimeout(this.#ending);
      if (state === "idle") this.#ending = setTimeout(() => this.#endIfIdle(), KEEP_IDLE_MS);
    });
    const [, port] = await child.line(/^listening on http:\/\/127\.0\.0\.1:(\d+)\//);
    return { child, port: Number(port) };
  }

  #endIfIdle(): void {
    if (this.#calls === 0) void this.killInstance();
  }
}

function isMessage(answer: unknown): answer is IncomingMessage {
  return typeof answer === "object" && answer !== null && "statusCode" in answer;
}
