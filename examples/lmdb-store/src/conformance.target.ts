import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { driverTarget, type Target } from "@mcp-task-store/conformance/targets";
import { createLmdbDriver } from "./lmdb-driver.ts";

const directory = mkdtempSync(join(tmpdir(), "lmdb-store-"));

export const target: Target = driverTarget({
  name: "lmdb",
  open: (namespaceId) => createLmdbDriver(join(directory, namespaceId)),
  close: async () => rmSync(directory, { recursive: true }),
});
