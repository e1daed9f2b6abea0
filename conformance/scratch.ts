import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder that nobody else uses. It is gone when this process ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-conformance-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
