/** A server of its own that writes down every statement, so that what calls cost is counted by the server itself. */
import { Client } from "pg";
import { pollUntil, startPostgres } from "@mcp-task-store/services";

/** What the store under test calls itself; other connections do not count. */
export const COUNTED = "counted";

/** Starts an entry of the log. No statement of ours has it. */
const ENTRY = "@@";

const SETTINGS = {
  log_statement: "all",
  log_destination: "stderr",
  logging_collector: "on",
  log_rotation_age: "0",
  log_rotation_size: "0",
  log_line_prefix: `${ENTRY}%a|`,
  // Without the values.
  log_error_verbosity: "terse",
};

export interface StatementLog extends AsyncDisposable {
  readonly url: string;
  /** What the server was sent, by the counted connections, while `calls` ran: one text for each execution. */
  during(calls: () => Promise<unknown>): Promise<readonly string[]>;
  /** How many counted connections there are now. */
  connections(): Promise<number>;
}

export async function statementLog(): Promise<StatementLog> {
  // The server of POSTGRES_URL cannot be told to write a log.
  const given = (process.env["POSTGRES_URL"] ?? "") !== "";
  const service = await startPostgres({ fast: true, settings: SETTINGS, ...(given ? { origin: "embedded" } : {}) });
  const reader = new Client({ connectionString: service.url });
  reader.on("error", () => {});
  await reader.connect();
  let marks = 0;
  let offset = 0;

  /** Everything since the last time. A backend hands its entry over before it answers, so a mark comes after them all. */
  async function readOn(): Promise<string> {
    marks += 1;
    const mark = `/* mark ${marks} */`;
    await reader.query(`${mark} select`);
    const added = await pollUntil(
      async () => {
        const { rows } = await reader.query<{ log: Buffer }>({
          text: "select pg_read_binary_file(pg_current_logfile(), $1, 100000000) as log",
          values: [offset],
        });
        const log = rows[0]?.log ?? Buffer.alloc(0);
        return log.includes(mark) && log;
      },
      { what: `${mark} in the server's log`, everyMs: 5 },
    );
    offset += added.length;
    return added.toString("utf8");
  }

  return {
    url: service.url,
    async during(calls) {
      await readOn();
      await calls();
      return executions(await readOn());
    },
    async connections() {
      const text = "select count(*)::integer as count from pg_stat_activity where application_name = $1";
      const { rows } = await reader.query<{ count: number }>({ text, values: [COUNTED] });
      return rows[0]?.count ?? 0;
    },
    async [Symbol.asyncDispose]() {
      await reader.end();
      await service.stop();
    },
  };
}

/** "LOG:  execute NAME: TEXT" for a prepared one, "LOG:  statement: TEXT" for a plain one. */
function executions(log: string): readonly string[] {
  return log.split(ENTRY).flatMap((entry) => {
    const [, text] = /^counted\|LOG: {2}(?:execute [^:]*|statement): ([^]*)$/.exec(entry) ?? [];
    return text === undefined ? [] : [text.trim()];
  });
}
