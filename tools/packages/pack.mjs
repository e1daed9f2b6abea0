import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Packs a folder as the registry gets it, and tells where the file is. */
export function pack(folder) {
  const out = execFileSync("npm", ["pack", "--json", "--ignore-scripts"], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [{ filename }] = Object.values(JSON.parse(out));
  return join(folder, filename);
}
