import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { StoredTokens, TokenStore } from "countersign/client";

/** A session in a file that only its owner can read, shared by all processes that know it: a command-line tool, say. */
export function fileTokenStore(path: string): TokenStore {
  return {
    async load() {
      try {
        return JSON.parse(await readFile(path, "utf8")) as StoredTokens;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    async save(tokens) {
      if (tokens === undefined) return rm(path, { force: true });
      // Whole or not at all, whoever reads at the same time.
      const draft = `${path}.${process.pid}`;
      await writeFile(draft, JSON.stringify(tokens), { mode: 0o600 });
      await rename(draft, path);
    },
    alone: (renewal) => locked(`${path}.lock`, renewal),
  };
}

/** A refresh token is good for once: one process renews, and the others find what it has got. */
async function locked<R>(path: string, work: () => Promise<R>): Promise<R> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    try {
      await (await open(path, "wx")).close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      // Whoever held it for so long is gone.
      if (Date.now() > deadline) await rm(path, { force: true });
      await pause(20);
    }
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
