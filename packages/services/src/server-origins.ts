/** From which place a server comes: what the user's variable wants, else the first place that has one. */

/** A variable that forces an origin or, with `off`, leaves out what needs the server. */
export interface OriginVariable<Origin extends string> {
  readonly name: string;
  /** In the order in which they are tried. */
  readonly origins: readonly Origin[];
}

export function isLeftOut(variable: OriginVariable<string>): boolean {
  return process.env[variable.name] === "off";
}

/**
 * @param usable one that is not among these counts as none
 * @throws Error naming the variable and what it takes
 */
export function originFromEnvironment<Origin extends string, Usable extends Origin = Origin>(
  { name, origins }: OriginVariable<Origin>,
  usable: readonly Usable[],
): Usable | undefined {
  const value = process.env[name];
  if (value === undefined || value === "") return undefined;
  if (origins.some((each) => each === value)) return usable.find((each) => each === value);
  const last = origins.at(-1);
  throw new Error(`${name} is ${JSON.stringify(value)}; give ${origins.slice(0, -1).join(", ")} or ${last}`);
}

/**
 * Tries the origins in their order, or only the one that is wanted.
 * @param start undefined: this machine has none of that origin. One that is there and does not start is a failure, not a reason to look on.
 * @throws Error with `hint`, which says what to install
 */
export async function firstServer<Origin extends string, Server>(options: {
  readonly what: string;
  readonly origins: readonly Origin[];
  readonly wanted: Origin | undefined;
  readonly hint: string;
  readonly start: (origin: Origin) => Promise<Server | undefined>;
}): Promise<{ readonly origin: Origin; readonly server: Server }> {
  const { what, origins, wanted, hint, start } = options;
  for (const origin of wanted === undefined ? origins : [wanted]) {
    const server = await start(origin);
    if (server !== undefined) return { origin, server };
  }
  throw new Error(wanted === undefined ? hint : `no ${what} server of origin "${wanted}" here; ${hint}`);
}

/** What may not be done to a server that somebody else started. */
export function refuseToEnd(variable: string): () => Promise<never> {
  return () =>
    Promise.reject(new Error(`the server of ${variable} is not ours to end; unset it, so that one is started`));
}

/** A variable that names something; an empty one counts as none. */
export function givenBy(variable: string): string | undefined {
  const value = process.env[variable];
  return value === "" ? undefined : value;
}
