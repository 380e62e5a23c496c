import type { TaskDriver } from "@mcp-task-store/core";

/**
 * A plain object that does just what the driver does, whether that is one or a class's instance: spread it and replace
 * a method to get a driver that differs in one.
 */
export function delegate(driver: TaskDriver): TaskDriver {
  const { hints, messages } = driver;
  return {
    name: driver.name,
    capabilities: driver.capabilities,
    setup: (...call) => driver.setup(...call),
    insert: (...call) => driver.insert(...call),
    read: (...call) => driver.read(...call),
    write: (...call) => driver.write(...call),
    remove: (...call) => driver.remove(...call),
    page: (...call) => driver.page(...call),
    due: (...call) => driver.due(...call),
    close: () => driver.close(),
    ...(hints === undefined
      ? {}
      : { hints: { publish: (ids) => hints.publish(ids), subscribe: (to) => hints.subscribe(to) } }),
    ...(messages === undefined
      ? {}
      : { messages: { push: (...call) => messages.push(...call), take: (...call) => messages.take(...call) } }),
  };
}
