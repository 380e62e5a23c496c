/** Tools that do one thing each, when a test lets them. */
import { z } from "zod";
import { defineTaskTool, type TaskTool, ToolError } from "../../src/index.ts";

/** A door that a test opens. */
export interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

export const echo: TaskTool = defineTaskTool({
  name: "echo",
  description: "Says it again",
  inputSchema: z.object({ text: z.string() }),
  run: ({ text }) => ({ content: [{ type: "text", text }] }),
});

/** Says how long a text is, as its schema says. */
export const measure: TaskTool = defineTaskTool({
  name: "measure",
  inputSchema: z.object({ text: z.string() }),
  outputSchema: z.object({ length: z.int() }),
  run: ({ text }) => ({ structuredContent: { length: text.length } }),
});

export const needsTask: TaskTool = defineTaskTool({
  name: "needs_task",
  taskSupport: "required",
  run: () => ({ content: [{ type: "text", text: "done" }] }),
});

export const isError: TaskTool = defineTaskTool({
  name: "is_error",
  run: () => ({ content: [{ type: "text", text: "no luck" }], isError: true }),
});

export const rpcError: TaskTool = defineTaskTool({
  name: "rpc_error",
  run: () => {
    throw new ToolError(-32_050, "no printer", { printers: [] });
  },
});

function greets(whileWaiting: "hold" | "suspend"): TaskTool {
  return defineTaskTool({
    name: "greet",
    run: async (_args, { elicit }) => {
      const question = { message: "Your name?", requestedSchema: z.object({ name: z.string() }) };
      const asked = await elicit("name", question, { whileWaiting });
      const text = asked.action === "accept" ? `Hello, ${asked.content.name}!` : `Hello, whoever (${asked.action})!`;
      return { content: [{ type: "text", text }] };
    },
  });
}

/** Asks for a name and greets it. */
export const greeter: TaskTool = greets("hold");

/** The same, which frees its worker while the user thinks. */
export const suspender: TaskTool = greets("suspend");

/** Asks, and works on until the gate opens. */
export function askingThenGated(passed: Promise<void>): TaskTool {
  return defineTaskTool({
    name: "ask_and_work",
    run: async (_args, { elicit }) => {
      await elicit("go", { message: "Go on?", requestedSchema: z.object({}) });
      await passed;
      return { content: [{ type: "text", text: "went on" }] };
    },
  });
}

/** Ends when the gate opens, or when it is told to stop. */
export function gated(passed: Promise<void>): TaskTool {
  return defineTaskTool({
    name: "gated",
    run: async (_args, { signal }) => {
      const stopped = new Promise<never>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped", { cause: signal.reason })));
      });
      await Promise.race([passed, stopped]);
      return { content: [{ type: "text", text: "passed" }] };
    },
  });
}

/** Goes on when it is told to stop, and returns a result all the same. */
export function obstinate(told: () => void): TaskTool {
  return defineTaskTool({
    name: "obstinate",
    run: async (_args, { signal }) => {
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      told();
      return { content: [{ type: "text", text: "done all the same" }] };
    },
  });
}

/** Reports one step after the other, each when the test asks for it. */
export function stepping(steps: AsyncIterable<number | string>): TaskTool {
  return defineTaskTool({
    name: "step",
    run: async (_args, { reportProgress, updateStatus }) => {
      for await (const step of steps) {
        if (typeof step === "string") await updateStatus(step);
        else await reportProgress({ progress: step, total: 10, message: "stepping" });
      }
      return { content: [{ type: "text", text: "stepped" }] };
    },
  });
}
