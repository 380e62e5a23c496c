/** Under which account a server runs: Postgres refuses to run as root. */
import { execFileSync } from "node:child_process";

export interface ServerAccount {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Accounts that exist anyway and own nothing of value, best first. */
const CANDIDATES = ["postgres", "nobody"] as const;

/**
 * The account for a server started by this process. Undefined: this process's own account will do.
 * Never creates one: changing the machine is for its owner.
 * @throws Error when this is root and the machine has no unprivileged account
 */
export function serverAccount(): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of CANDIDATES) {
    const uid = accountNumber("-u", name);
    const gid = accountNumber("-g", name);
    if (uid !== undefined && uid > 0 && gid !== undefined) return { name, uid, gid };
  }
  throw new Error(
    `Postgres does not run as root, and there is no account ${CANDIDATES.join(" or ")} to run it under; ` +
      "run the tests as another user, or create one: useradd --system --user-group postgres",
  );
}

function accountNumber(flag: "-u" | "-g", name: string): number | undefined {
  try {
    return Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: "pipe" }));
  } catch {
    return undefined;
  }
}
