// Plain JavaScript, so that a Node that cannot read TypeScript still says what is wrong.
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const bundled = new URL("../node_modules/.bin/node", import.meta.url);

if (major > 22 || (major === 22 && minor >= 13)) {
  await import("./ensure-tools.ts");
} else {
  const found = `The tests need Node 22.13 or newer, and this is ${process.versions.node}.`;
  const remedy = existsSync(bundled)
    ? "The right one is in node_modules/.bin: run it through npm, as in `npm test`."
    : "npm install brings the right one, but its install script was blocked, so that node_modules/.bin/node " +
      "is missing: run `npm rebuild node --foreground-scripts`, or put a newer Node on the PATH.";
  process.stderr.write(`${found} ${remedy}\n`);
  process.exitCode = 1;
}
