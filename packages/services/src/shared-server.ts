/** How a test's process learns of the servers that the run's main process started: an environment variable for each. */

export function shareServer(variable: string, server: unknown): void {
  // The workers are child processes and inherit it.
  process.env[variable] = JSON.stringify(server);
}

/** @throws Error that says why the run has none */
export function sharedServer<Server>(variable: string, isLeftOut: boolean): Server {
  const text = process.env[variable];
  // Written by shareServer of this same version.
  if (text !== undefined) return JSON.parse(text) as Server;
  throw new Error(
    isLeftOut
      ? `this run leaves out what ${variable} names: skip the file when it does`
      : `${variable} is not set. Run the tests with pnpm test, or vitest at the root; and call the helper in the test ` +
          "file or in a file that it imports by a relative path, since that is how the run knows what to start",
  );
}
