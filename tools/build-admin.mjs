// Builds the admin UI into the server's package, unless it is newer than everything that it is made of.
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const timeOf = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs;

const built = timeOf(here("packages/server/dist/admin-ui/index.html"));
const sources = [
  ...["packages/admin/src", "packages/countersign/src/gen"].flatMap((folder) =>
    readdirSync(here(folder), { recursive: true }).map((name) => `${folder}/${name}`),
  ),
  ...["index.html", "package.json", "vite.config.ts"].map((name) => `packages/admin/${name}`),
  "package-lock.json",
];
if (built === undefined || sources.some((path) => timeOf(here(path)) > built)) {
  execFileSync("vite", ["build", "--logLevel", "warn", here("packages/admin")], { stdio: "inherit" });
}
