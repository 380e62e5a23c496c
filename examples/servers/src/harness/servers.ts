/** The database servers that the shows play on, and a place on them for each show. */
import { randomBytes } from "node:crypto";
import {
  postgresIsLeftOut,
  type PostgresService,
  redisIsLeftOut,
  type RedisService,
  removeKeys,
  startPostgres,
  startRedis,
} from "@mcp-task-store/services";

export type ServerName = "Postgres" | "Redis";

/** Empty at first; disposing of it removes what is there. */
export interface Place extends AsyncDisposable {
  /** What an example's DATABASE_URL is to be. */
  readonly url: string;
}

export class Servers implements AsyncDisposable {
  readonly #postgres: PostgresService | undefined;
  readonly #redis: RedisService | undefined;
  readonly #down: AsyncDisposableStack;

  private constructor(
    postgres: PostgresService | undefined,
    redis: RedisService | undefined,
    down: AsyncDisposableStack,
  ) {
    this.#postgres = postgres;
    this.#redis = redis;
    this.#down = down;
  }

  /** Those that the run does not leave out. @throws Error that says what to install when there is none */
  static async start(log: (line: string) => void): Promise<Servers> {
    await using down = new AsyncDisposableStack();
    const postgres = postgresIsLeftOut() ? undefined : down.use(await startPostgres({ log }));
    const redis = redisIsLeftOut() ? undefined : down.use(await startRedis({ log }));
    return new Servers(postgres, redis, down.move());
  }

  has(name: ServerName): boolean {
    return (name === "Postgres" ? this.#postgres : this.#redis) !== undefined;
  }

  /** undefined: the run does without this server. */
  async freshPlace(name: ServerName): Promise<Place | undefined> {
    if (name === "Postgres") return await this.#postgres?.freshDatabase();
    const url = this.#redis?.url;
    if (url === undefined) return undefined;
    const keyPrefix = `mts_${randomBytes(8).toString("hex")}:`;
    return { url: `${url}#${keyPrefix}`, [Symbol.asyncDispose]: () => removeKeys(url, keyPrefix) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#down.disposeAsync();
  }
}
