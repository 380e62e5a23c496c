/** The input of the demo's tasks: every Markdown and TypeScript file of this repository. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { listFiles } from "./list-files.ts";

export const repositoryDirectory: string = join(import.meta.dirname, "..", "..", "..");

export interface SourceCopy {
  readonly directory: string;
  readonly files: readonly string[];
  /** Calling it twice is harmless. Synchronous, so that it works while the process exits. */
  readonly remove: () => void;
}

/**
 * Copies the files to a temporary folder, so that all readers see the same bytes: workers, a worker that starts over,
 * and the client that checks them, whatever an editor saves meanwhile.
 */
export function copySources(): SourceCopy {
  const directory = mkdtempSync(join(tmpdir(), "mcp-task-store-demo-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  try {
    for (const file of listFiles(repositoryDirectory)) {
      const copy = join(directory, file);
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(join(repositoryDirectory, file), copy);
    }
    return { directory, files: listFiles(directory), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

export function isRemoved({ directory }: SourceCopy): boolean {
  return !existsSync(directory);
}
