/** The servers that the tasks of a run can live on. */
import { startPostgres } from "@mcp-task-store/services";

export interface TaskServer extends AsyncDisposable {
  /** What STORE_URL is for the programs. */
  readonly url: string;
}

type StartsServer = (log: (line: string) => void) => Promise<TaskServer>;

const postgres: StartsServer = async (log) => {
  const service = await startPostgres({ log });
  const database = await service.freshDatabase();
  return {
    url: database.url,
    [Symbol.asyncDispose]: async () => {
      await database.drop();
      await service.stop();
    },
  };
};

export const BACKENDS: Readonly<Record<string, StartsServer>> = { postgres };
