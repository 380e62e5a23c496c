/** Asks for the cancellation of a task: `node src/canceller.ts TASK_ID`. */
import { openStore } from "./store.ts";

const [taskId] = process.argv.slice(2);
if (taskId === undefined) throw new Error("Usage: node src/canceller.ts TASK_ID");
const store = await openStore({ maintenance: false });
// Whoever works on it is told, and ends it; a task that nobody works on is cancelled at once.
const { status } = await store.requestCancellation(taskId);
console.log(`asked; it is still ${status}`);
await store.close();
