#!/usr/bin/env node
// Committed as it is, so that npm links the command before the first build.
import { existsSync } from "node:fs";

const program = new URL("../dist/main.js", import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 13)) {
  fail(
    `countersign needs Node 22.13 or newer, and this is ${process.versions.node}. In a checkout, npx brings the right one: npx countersign`,
  );
} else if (!existsSync(program)) {
  fail("countersign is not built yet: run `npm run build` first");
} else {
  const { main } = await import(program.href);
  await main(process.argv);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
