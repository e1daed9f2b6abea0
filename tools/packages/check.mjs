// Whether the packages can be published: publint, "are the types wrong", the sizes, and the API report that is committed.
// `npm run check:packages` after a build; `-- --update` writes the report anew.
import { readFileSync } from "node:fs";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { reportProblems } from "./api-report.mjs";
import { pack } from "./pack.mjs";
import { sizeProblems } from "./sizes.mjs";
import { packages, stage } from "./stage.mjs";

/** Node resolves these packages as modules, and has since before 22; the rest is about older ways. */
const expected = new Set(["CJSResolvesToESM", "NoResolution"]);

const problems = [];
for (const each of packages) {
  const folder = stage(each);
  const { messages, pkg } = await publint({ pkgDir: folder, level: "suggestion", strict: true });
  problems.push(
    ...messages.map((message) => `${each.name}: ${formatMessage(message, pkg, { color: false })}`),
  );
  if (pkg.exports !== undefined) problems.push(...(await wrongTypes(each.name, folder)));
}
problems.push(...reportProblems({ update: process.argv.includes("--update") }));
problems.push(...(await sizeProblems()));

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  `${packages.length} packages: ${problems.length === 0 ? "ready" : `${problems.length} problems`}\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

async function wrongTypes(name, folder) {
  const { problems: found = [], types } = await checkPackage(
    createPackageFromTarballData(readFileSync(pack(folder))),
  );
  if (types === false) return [`${name}: it has no types`];
  return found
    .filter(
      ({ kind, resolutionKind }) =>
        !(expected.has(kind) && resolutionKind !== "node16-esm" && resolutionKind !== "bundler"),
    )
    .map((problem) => `${name}: ${JSON.stringify(problem)}`);
}
