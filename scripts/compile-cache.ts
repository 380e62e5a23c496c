/**
 * Lets every Node process of a test run keep what it compiled (`NODE_COMPILE_CACHE`): hundreds of servers and workers are
 * started, and each would strip the types of the same sources and compile the same SDK again, for more than a second.
 *
 * Imported for its effect, before anything is started. A variable that is set already stays.
 */
import { join } from "node:path";
import { rootDirectory } from "./workspace.ts";

process.env["NODE_COMPILE_CACHE"] ??= join(rootDirectory, "node_modules", ".cache", "compile");
