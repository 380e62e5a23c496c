/**
 * Makes tasks, hands out their ids, and waits for how they end, whoever works on them.
 *
 *     node src/producer.ts count-to-3 count-to-5 | node src/worker.ts
 */
import { openStore } from "./store.ts";

const store = await openStore({ maintenance: false });
const ends = process.argv.slice(2).map(async (name) => {
  const { taskId } = await store.createTask({ request: { method: "tools/call", name }, ttlMs: 600_000 });
  // Any queue does. Losing an id is no harm: after `claimWithinMs` the store hands the task to some `onOrphan`.
  console.log(`task ${taskId} ${name}`);
  const outcome = await store.waitForOutcome(taskId);
  const task = await store.getTask(taskId);
  console.log(`outcome ${name} ${outcome?.status} attempts ${task?.attempts}`);
});
await Promise.all(ends);
await store.close();
