/** Does a page cost more when there are many tasks? */
import { createMemoryTaskStore } from "@mcp-task-store/memory";
import { alternate, type Measured } from "./alternate.ts";

const FEW = 1_000;
const MANY = 200_000;

export async function memoryList(rounds: number): Promise<readonly Measured[]> {
  const fill = async (count: number): Promise<ReturnType<typeof createMemoryTaskStore>> => {
    const store = createMemoryTaskStore({ maintenance: false });
    for (let n = 0; n < count; n += 1) await store.createTask({ principal: "p" });
    return store;
  };
  const few = await fill(FEW);
  const many = await fill(MANY);
  const measured = await alternate(
    [
      { name: `a page of ${FEW} tasks`, run: async () => void (await few.scoped("p").listTasks()) },
      { name: `a page of ${MANY} tasks`, run: async () => void (await many.scoped("p").listTasks()) },
    ],
    rounds,
  );
  await Promise.all([few.close(), many.close()]);
  return measured;
}
