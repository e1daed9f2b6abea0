import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A new folder that goes with the test. Returns the way to a file in it. */
export function temporaryFolder(context: TestContext): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return (name) => join(folder, name);
}
