// Makes one file of the program's sources, for the many starts of it in `npm test`: reading some 800 files takes most of a start.
// Anew each time, so that it is never older than the sources.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const folder = here("node_modules/.cache/test-program");

/** What consists of many files, or cannot be found from the folder of the bundle. All else is loaded as ever. */
const bundled = /^(countersign|@bufbuild|@connectrpc|commander|kysely|yaml|zod)(\/|$)/;

/** What is looked for beside a source is still found beside it. The thread of the request log is a bundle, too. */
const places = {
  name: "places-of-sources",
  transform(code, id) {
    if (!code.includes("import.meta.url") || id.endsWith("/threaded-request-log.ts")) return null;
    return code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href));
  },
};

const bundle = await rolldown({
  input: {
    program: here("packages/server/test/launcher.ts"),
    "request-thread": here("packages/countersign/src/store/sql/sqlite/request-log/request-thread.ts"),
  },
  platform: "node",
  logLevel: "warn",
  resolve: { conditionNames: ["countersign-source", "node", "import", "default"] },
  external: (id) => !/^[./]/.test(id) && !bundled.test(id),
  plugins: [places],
});
rmSync(folder, { recursive: true, force: true });
await bundle.write({
  dir: folder,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
});
await bundle.close();
// Otherwise each file is parsed once more, to find out what it is.
writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
