/** Where clients find the demo's MCP server: one address, and one server process after another. */
import { freePort } from "@mcp-task-store/services";
import type { TaskServer } from "./task-server.ts";

export class Service {
  readonly #start: (port: number) => Promise<TaskServer>;
  readonly #all: TaskServer[] = [];

  private constructor(start: (port: number) => Promise<TaskServer>) {
    this.#start = start;
  }

  static async start(start: (port: number) => Promise<TaskServer>): Promise<Service> {
    const service = new Service(start);
    // One that stays free when the server is lost: a port that the system chooses is soon somebody else's.
    service.#all.push(await start(await freePort()));
    return service;
  }

  get everyone(): readonly TaskServer[] {
    return this.#all;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.current.port}/mcp`);
  }

  /** The latest. */
  get current(): TaskServer {
    const server = this.#all.at(-1);
    if (server === undefined) throw new TypeError("A server was started.");
    return server;
  }

  /** Another one at the address of the one that was lost. */
  async startAgain(): Promise<TaskServer> {
    const server = await this.#start(this.current.port);
    this.#all.push(server);
    return server;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((server) => server.stop()));
  }
}
