/** What can be known about a process by its id, and how to be sure that it is still the same process. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** An ended process that its parent has not collected: in containers without an init they stay for ever. */
function isZombie(pid: number): boolean {
  return processStat(pid)?.state === "Z";
}

/**
 * Tells two processes with the same id apart: the moment it started, in the kernel's own ticks.
 * Undefined where the platform has no /proc; the id alone must do there.
 */
export function startMark(pid: number): string | undefined {
  return processStat(pid)?.startedAt;
}

/** The command line, so that a process is signalled only when it is ours. Undefined when there is none to see. */
export function commandLine(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    try {
      return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8", stdio: "pipe" });
    } catch {
      return undefined;
    }
  }
}

/** The children of a process, at this moment. */
export function childrenOf(parent: number): readonly number[] {
  return allProcesses()
    .filter((each) => each.parent === parent)
    .map((each) => each.pid);
}

function allProcesses(): readonly { pid: number; parent: number }[] {
  try {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.flatMap((pid) => {
      const stat = processStat(Number(pid));
      return stat === undefined ? [] : [{ pid: Number(pid), parent: stat.parent }];
    });
  } catch {
    const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
    return table
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([pid = 0, parent = 0]) => ({ pid, parent }));
  }
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html fields 3, 4 and 22 */
function processStat(pid: number): { state: string; parent: number; startedAt: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 2 is the program's name in parentheses, which may itself hold spaces and parentheses.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", parent: Number(fields[1]), startedAt: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}
