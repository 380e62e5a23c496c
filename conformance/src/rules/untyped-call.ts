/**
 * Calls a method as code without types could: with anything. What is thrown at once rejects, too.
 * @throws TypeError if there is no such method
 */
export async function callUntyped(target: object, method: string, ...args: readonly unknown[]): Promise<unknown> {
  const value: unknown = Reflect.get(target, method);
  if (typeof value !== "function") throw new TypeError(`${method} is no method`);
  return await Reflect.apply(value, target, args);
}
