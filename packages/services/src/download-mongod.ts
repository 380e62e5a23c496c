/**
 * Runs as its own process: downloads mongod with mongodb-memory-server and writes its path to stdout. In a process of its
 * own so that it can be ended: it has no time limit, and its settings are the process's. Ends when its parent is gone.
 *
 * Argument: the directory to download into.
 */
import { MongoBinary } from "mongodb-memory-server-core";

process.stdin.once("end", () => process.exit(1)).resume();

const [downloadDir = ""] = process.argv.slice(2);
try {
  const path = await MongoBinary.getPath({ downloadDir });
  process.stdout.write(path, () => process.exit());
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(message.replaceAll(/\s+/g, " "), () => process.exit(1));
}
