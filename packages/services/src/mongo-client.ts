/** Short-lived connections for starting servers and looking at them. The stores under test open their own. */
import { MongoClient } from "mongodb";

export async function withMongo<T>(url: string, use: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2_000, connectTimeoutMS: 5_000 });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.close();
  }
}

/** True once it takes writes. */
export async function mongoIsReady(url: string): Promise<boolean> {
  try {
    return await withMongo(url, async (client) => {
      const { isWritablePrimary } = await client.db("admin").command({ hello: 1 });
      return isWritablePrimary === true;
    });
  } catch {
    return false;
  }
}

export async function mongoVersion(url: string): Promise<string> {
  return withMongo(url, async (client) => {
    const { version } = await client.db("admin").command({ buildInfo: 1 });
    return typeof version === "string" ? version : "unknown";
  });
}

export async function dropMongoDatabase(url: string, name: string): Promise<void> {
  await withMongo(url, (client) => client.db(name).dropDatabase());
}
