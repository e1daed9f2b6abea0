import type { Stats } from "node:fs";
import { type Check, fail, warn } from "./check.ts";

/** Who else may read it? Modes say nothing on Windows. */
export function privacy(name: string, path: string, { mode }: Stats, wanted: number): Check | undefined {
  const remedy = `chmod ${wanted.toString(8)} ${path}`;
  if (process.platform === "win32" || (mode & 0o077) === 0) return undefined;
  if ((mode & 0o007) !== 0) return fail(name, `${path} is open to every user of this machine`, remedy);
  return warn(name, `${path} is open to its group`, remedy);
}
