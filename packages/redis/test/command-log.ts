/** A server of its own that tells every command it gets, so that what calls cost is counted by the server itself. */
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { pollUntil, startRedis } from "@mcp-task-store/services";

export interface CommandLog extends AsyncDisposable {
  readonly url: string;
  readonly control: Redis;
  /** What the server was sent while `calls` ran, in lower case and without values: "evalsha", say. */
  during(calls: () => Promise<unknown>): Promise<readonly string[]>;
  /** How many connections there are beside those of this log. */
  connections(): Promise<number>;
}

export async function commandLog(): Promise<CommandLog> {
  // The server of REDIS_URL has other users.
  const service = await startRedis({ fast: true, notFrom: ["env"] });
  const control = new Redis(service.url, { connectionName: "control" });
  const monitor = await control.monitor();
  let seen: string[][] = [];
  // What a script does is told too, as coming from "lua".
  monitor.on("monitor", (_time: string, values: string[], source: string) => {
    if (source !== "lua") seen.push(values);
  });

  /** Everything up to now: the monitor tells commands in their order. */
  async function readOn(): Promise<readonly string[][]> {
    const mark = randomUUID();
    await control.echo(mark);
    const isMark = (values: readonly string[]): boolean => values[1] === mark;
    await pollUntil(() => seen.some(isMark), { what: "the mark in the server's log", everyMs: 2 });
    const before = seen.slice(0, seen.findIndex(isMark));
    seen = [];
    return before;
  }

  return {
    url: service.url,
    control,
    async during(calls) {
      await readOn();
      await calls();
      return (await readOn()).map(([name = ""]) => name.toLowerCase());
    },
    async connections() {
      const list = String(await control.client("LIST"));
      return list.split("\n").filter((line) => line.startsWith("id=") && !line.includes(" name=control ")).length;
    },
    async [Symbol.asyncDispose]() {
      monitor.disconnect();
      control.disconnect();
      await service.stop();
    },
  };
}
