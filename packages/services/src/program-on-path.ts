/** Looks for programs as a shell does. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The full path of the first of these programs, in the order of the PATH's directories. */
export function programOnPath(...names: readonly string[]): string | undefined {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of names) {
      const file = join(directory, name);
      // An empty entry means the working directory, from which nothing is run.
      if (directory !== "" && existsSync(file)) return file;
    }
  }
  return undefined;
}
