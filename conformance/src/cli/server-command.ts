import { type Command, InvalidArgumentError } from "commander";
import { judgeServer } from "../server/judge-server.ts";
import { TOOL_ROLES, type ToolRole } from "../server/tools.ts";
import { judging, type JudgingOptions, withJudging } from "./judging-options.ts";

type Pairs = Readonly<Record<string, string>>;

interface ServerCommandOptions extends JudgingOptions {
  readonly url: string;
  readonly header?: Pairs;
  readonly otherHeader?: Pairs;
  readonly anonymous?: true;
  readonly tool?: Partial<Readonly<Record<ToolRole, string>>>;
}

/** Adds `server`. @param ended is told the exit code */
export function addServerCommand(program: Command, ended: (code: number) => void): void {
  const command = program
    .command("server")
    .summary("judge an MCP server over HTTP")
    .description(
      "Judges what an MCP server shows of its tasks to any client: 2025-11-25, and of 2026-07-28 what the official scenarios leave out. The server needs tools that behave as the official scenarios expect.",
    )
    .requiredOption("--url <url>", "its endpoint")
    .option("--header <name:value>", "sent with each request: who is calling; may be repeated", header)
    .option("--other-header <name:value>", "the same of somebody else, for the rules about foreign tasks", header)
    .option("--anonymous", "the server also serves callers without any of these headers")
    .option("--tool <name=its-name>", `what the server calls one of ${TOOL_ROLES.join(", ")}; may be repeated`, tool);
  withJudging(command).action(
    async ({ url, header, otherHeader, anonymous, tool, ...options }: ServerCommandOptions) => {
      const server = { headers: header, otherHeaders: otherHeader, anonymous, tools: tool };
      ended(await judging(options, (call) => judgeServer(url, { ...call, ...server })));
    },
  );
}

function header(text: string, before: Pairs = {}): Pairs {
  const [, name, value] = /^([!#$%&'*+.^`|~\w-]+):\s*(.+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("Write it NAME: VALUE.");
  return { ...before, [name]: value };
}

function tool(text: string, before: Pairs = {}): Pairs {
  const [role = "", name = "", ...more] = text.split("=");
  if (!TOOL_ROLES.some((known) => known === role) || name === "" || more.length > 0) {
    throw new InvalidArgumentError(`Write it NAME=ITS_NAME, with a name of ${TOOL_ROLES.join(", ")}.`);
  }
  return { ...before, [role]: name };
}
