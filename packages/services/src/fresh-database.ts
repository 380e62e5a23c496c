/** A database of its own for each test file, so that files run in parallel and none sees another's rows. */
import { randomBytes } from "node:crypto";
import { Client } from "pg";

export interface FreshDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Removes it, whoever is still connected. Calling it twice is harmless. */
  drop(): Promise<void>;
}

/** @param adminUrl a database of the server, with the rights to create others */
export async function freshDatabase(adminUrl: string): Promise<FreshDatabase> {
  const name = `mts_${randomBytes(8).toString("hex")}`;
  await runAsAdmin(adminUrl, `create database ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const drop = (): Promise<void> => runAsAdmin(adminUrl, `drop database if exists ${name} with (force)`);
  return { name, url: url.href, drop, [Symbol.asyncDispose]: drop };
}

export async function serverVersion(url: string): Promise<string> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ server_version: string }>("show server_version");
    // Distributions append their own version: "15.14 (Debian 15.14-0+deb12u1)".
    return rows[0]?.server_version.split(" ")[0] ?? "unknown";
  });
}

function runAsAdmin(adminUrl: string, statement: string): Promise<void> {
  return withClient(adminUrl, async (client) => {
    await client.query(statement);
  });
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A server that is stopped meanwhile fails the statement; the event would end the process besides.
  client.on("error", () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
