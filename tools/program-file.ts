import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../packages/server/test/launcher.ts", import.meta.url));

/**
 * What Node runs when a test starts the program: its sources, or in `npm test` what `tools/bundle-program.mjs` has just made of
 * them (PROGRAM_BUNDLE).
 */
export const programFile: string = bundleFile(process.env["PROGRAM_BUNDLE"]) ?? sources;

function bundleFile(path: string | undefined): string | undefined {
  if (path === undefined || isAbsolute(path)) return path;
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
