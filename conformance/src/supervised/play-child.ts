/** The process that a target file runs in: loads it, plays what it is told to, and says everything as it happens. */
import { resolve } from "node:path";
import { anyEnd } from "../attempt.ts";
import { Run } from "../run.ts";
import { selectedRules } from "../select-rules.ts";
import { shown } from "../shown.ts";
import type { Target } from "../target.ts";
import { CLOSE_MS, troubleClosing } from "../trouble-ending.ts";
import { loadTarget, TargetFileError } from "./load-target.ts";
import type { FromTarget, ToTarget } from "./messages.ts";

/** How often it says that its event loop turns. */
const ALIVE_MS = 500;

let target: Target | undefined;
let targetFile: string | undefined;

function tell(message: FromTarget, sent?: () => void): void {
  // Without a parent there is nobody to work for.
  if (process.send === undefined || !process.connected) process.exit();
  process.send(message, undefined, undefined, sent);
}

async function load(file: string): Promise<void> {
  const loaded = await anyEnd(loadTarget(file));
  if (loaded.kind === "fulfilled") {
    target = loaded.value;
    targetFile = resolve(file);
    const { name, version, claims, ruleset } = target;
    tell({
      type: "loaded",
      facts: { name, ...(version && { version }), ...(claims && { claims }), ...(ruleset && { ruleset }) },
    });
  } else if (loaded.error instanceof TargetFileError) {
    tell({ type: "no-target", problem: loaded.error.message });
  } else {
    tell({ type: "not-loaded", reason: shown(loaded.error) });
  }
}

async function play({ rules, order }: Extract<ToTarget, { type: "play" }>): Promise<void> {
  if (target === undefined) return;
  const run = new Run(
    target,
    selectedRules(rules),
    { ...order, file: targetFile },
    {
      calibrated: (timing) => tell({ type: "calibrated", timing }),
      started: (id) => tell({ type: "started", id }),
      ended: (report) => tell({ type: "ended", report }),
      replayed: (id, replays) => tell({ type: "replayed", id, replays }),
      noted: (note) => tell({ type: "noted", note }),
    },
  );
  await run.play();
  tell({ type: "done" });
  // Whoever watches this process ends it sooner, and says so.
  const trouble = await troubleClosing(target, 2 * CLOSE_MS);
  if (trouble !== undefined) tell({ type: "noted", note: trouble });
  // A target that keeps a timer or a socket would keep this process. What was told before has left it by then.
  tell({ type: "alive" }, () => process.exit());
}

process.on("uncaughtException", (error, origin) => {
  const what = origin === "unhandledRejection" ? "a promise that nobody handles was rejected" : "an uncaught error";
  tell({ type: "dying", reason: `${what}: ${shown(error)}` }, () => process.exit(1));
});
process.on("disconnect", () => process.exit());
process.on("message", (message: ToTarget) => {
  void (message.type === "load" ? load(message.file) : play(message));
});
setInterval(() => tell({ type: "alive" }), ALIVE_MS);
tell({ type: "alive" });
