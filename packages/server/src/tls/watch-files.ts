import { statSync } from "node:fs";
import { stat } from "node:fs/promises";

export interface WatchOptions {
  /** The files as they were when they were read last. */
  readonly seen: string;
  /** Called once what was changed has stood still. False: it could not be used, and is tried again later. */
  readonly onChange: () => boolean;
}

const intervalMs = 500;
/** How many looks later something that could not be used is tried again, although it has not changed. */
const retryAfter = 60;

/** What tells one state of some files from another. Through links: what they lead to. */
export function fileState(paths: readonly string[]): string {
  return paths.map((path) => describe(statSync(path, { bigint: true, throwIfNoEntry: false }))).join();
}

/**
 * Looks at files twice a second, which also sees what a rename, a link that is changed (Kubernetes) and a network's file
 * system do. A change counts when it is the same at two looks, so that a pair of files is not read halfway.
 */
export function watchFiles(paths: readonly string[], { seen, onChange }: WatchOptions): () => void {
  let handled = seen;
  let previous = seen;
  let failedFor: number | undefined;
  let looking = false;

  async function look(): Promise<void> {
    const found = await Promise.all(
      paths.map((path) => stat(path, { bigint: true }).then(describe, () => "none")),
    );
    const state = found.join();
    const settled = state === previous;
    previous = state;
    if (failedFor !== undefined) failedFor += 1;
    const again = failedFor !== undefined && failedFor >= retryAfter;
    if (!settled || (state === handled && !again)) return;
    handled = state;
    failedFor = onChange() ? undefined : 0;
  }

  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

type State = {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly ctimeNs: bigint;
  readonly mtimeNs: bigint;
};

function describe(found: State | undefined): string {
  if (found === undefined) return "none";
  const { dev, ino, size, ctimeNs, mtimeNs } = found;
  return [dev, ino, size, ctimeNs, mtimeNs].join(":");
}
