// Generated code is committed. It is made again here, and must come out the same.
import { execFileSync } from "node:child_process";

const folders = ["packages/countersign/src/gen", "packages/server/src/gen", "examples/gen", "docs"];
execFileSync("npm", ["run", "--silent", "generate"], { stdio: "inherit" });
const changed = execFileSync("git", ["status", "--porcelain", "--", ...folders], { encoding: "utf8" });
if (changed !== "") {
  console.error(
    `generated code differs from what is committed; commit what \`npm run generate\` makes:\n${changed}`,
  );
  process.exit(1);
}
console.log("generated code: up to date");
