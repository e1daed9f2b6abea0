import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const left: (() => void)[] = [];

function runAll(): void {
  for (const work of left.reverse()) work();
}

/** Does something when this process ends, the last thing first: what runs in a folder ends before the folder. Returns the way to take it back. */
export function atExit(work: () => void): () => void {
  // One listener, however much there is to do.
  if (!process.listeners("exit").includes(runAll)) process.once("exit", runAll);
  left.push(work);
  return () => {
    const index = left.indexOf(work);
    if (index >= 0) left.splice(index, 1);
  };
}

/** No child outlives this process. */
export function killAtExit(child: ChildProcess): void {
  const takeBack = atExit(() => child.kill("SIGKILL"));
  child.once("close", takeBack);
}

/** A new folder that nobody else uses, gone when this process ends. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `countersign-${name}-`));
  atExit(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
