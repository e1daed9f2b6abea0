// What is published, put together: the built files without what only this repository needs, a licence, a page for the registry,
// and the protos that others import. `node tools/packages/stage.mjs` after `npm run build`; the folders are in dist/packages.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The packages that are published, in the order of their need for each other. */
export const packages = Object.freeze([
  { name: "countersign", folder: "packages/countersign", also: [["proto/auth", "proto/auth"]] },
  { name: "@countersign/server", folder: "packages/server", also: [] },
]);

/** Of a manifest: what is of no use to whoever installs it. */
const ours = ["devDependencies", "scripts"];
const sourceCondition = "countersign-source";

export function stage({ name, folder, also }) {
  const target = join(root, "dist", "packages", name.replace(/^@.*\//, ""));
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  for (const member of ours) delete manifest[member];
  for (const conditions of Object.values(manifest.exports ?? {})) {
    if (typeof conditions === "object") delete conditions[sourceCondition];
  }
  const extra = ["LICENSE", ...also.map(([, to]) => to)];
  const files = [...manifest.files, ...extra].filter((file) => file !== "README.md");
  writeFileSync(join(target, "package.json"), `${JSON.stringify({ ...manifest, files }, undefined, 2)}\n`);
  for (const file of manifest.files.filter((each) => !each.startsWith("!")))
    cpSync(join(root, folder, file), join(target, file), {
      recursive: true,
      filter: (from) => !isLeftOver(join(root, folder), from),
    });
  cpSync(join(root, "LICENSE"), join(target, "LICENSE"));
  for (const [from, to] of also) cpSync(join(root, from), join(target, to), { recursive: true });
  return target;
}

/** A compiler removes nothing: what has no source any more is from another day. */
function isLeftOver(folder, file) {
  const [, name] = /^dist\/(.*)\.(?:d\.ts|js)(?:\.map)?$/.exec(relative(folder, file)) ?? [];
  if (name === undefined || name.startsWith("admin-ui/")) return false;
  return !existsSync(join(folder, "src", `${name}.ts`));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const each of packages) process.stdout.write(`${stage(each)}\n`);
}
