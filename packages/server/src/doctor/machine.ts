import { existsSync, readFileSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Check, fail, ok, warn } from "./check.ts";

const oldest = [22, 13] as const;

/** Is this Node new enough? In a checkout, is the one there that `npx` and npm's scripts use? */
export function checkNode(version = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    return fail(
      "node",
      `this is Node ${version}`,
      `use Node ${oldest.join(".")} or newer; in a checkout, npx countersign does`,
    );
  }
  const checkout = checkoutFolder();
  if (checkout !== undefined && !existsSync(join(checkout, "node_modules/node/bin/node"))) {
    return warn(
      "node",
      `Node ${version}; the checkout's own Node is not installed`,
      "run npm install, without --ignore-scripts",
    );
  }
  return ok("node", `Node ${version}`);
}

/** The root of the workspaces that this program runs from; undefined if it was installed from a package. */
function checkoutFolder(): string | undefined {
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && readFileSync(manifest, "utf8").includes('"countersign-workspace"'))
      return folder;
  }
  return undefined;
}

const lowSpace = 500 * 1024 * 1024;
const noSpace = 50 * 1024 * 1024;

/** Is there room for the database to grow? */
export function checkDiskSpace(folder: string): Check {
  let existing = folder;
  while (!existsSync(existing) && existing !== dirname(existing)) existing = dirname(existing);
  try {
    const { bavail, bsize } = statfsSync(existing);
    const free = bavail * bsize;
    const detail = `${Math.floor(free / 1024 / 1024)} MB free at ${existing}`;
    if (free < noSpace) return fail("disk space", detail, "make space: a full disk refuses every change");
    if (free < lowSpace) return warn("disk space", detail, "make space");
    return ok("disk space", detail);
  } catch (error) {
    return warn("disk space", `cannot be read: ${(error as Error).message}`, "look at it by hand (df)");
  }
}

/** This program is not older than this. */
const written = Date.UTC(2025, 0, 1);

/** Does the clock tell a time that can be right? Tokens begin and end by it. */
export function checkClock(newestRecord: Date | undefined, now = new Date()): Check {
  const detail = `it is ${now.toISOString()}`;
  const remedy = "set the clock, and keep it right with NTP";
  if (now.getTime() < written)
    return fail("clock", `${detail}, which is before this program was written`, remedy);
  if (newestRecord !== undefined && newestRecord.getTime() > now.getTime() + 60_000) {
    return fail("clock", `${detail}, and the newest record is of ${newestRecord.toISOString()}`, remedy);
  }
  return ok("clock", detail);
}
