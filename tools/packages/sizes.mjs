// How many bytes an application gets: minified and compressed, with what it needs beside it left out.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { root } from "./stage.mjs";

const library = join(root, "packages/countersign/dist");
const door = (file, name) => ({ entry: `${file}.js`, names: [name] });

/** 3 kB. */
const adapter = 3000;

/**
 * What is measured, and the most that it may be, in bytes. `own`: the files that belong to it; all others are counted elsewhere.
 * The core is all that `createAuth` and `policyFor` bring.
 */
const budgets = [
  { what: "core", entry: "index.js", names: ["createAuth", "policyFor"], most: 6 * 1024 },
  // It has the four kinds of RPC, open streams, and both ways to write handlers.
  { what: "grpc-js", ...door("grpc", "grpcAuth"), own: /\/dist\/(grpc\.js|grpc\/)/, most: adapter },
  {
    what: "Connect",
    ...door("connect", "connectAuth"),
    own: /\/dist\/(connect\.js|connect\/)/,
    most: adapter,
  },
  // The listener, without the guard that it is given.
  {
    what: "on Node",
    ...door("connect/node", "connectListener"),
    own: /\/dist\/connect\/node/,
    most: adapter,
  },
  { what: "fetch", ...door("http/fetch", "fetchAuth"), own: /\/dist\/http\/fetch/, most: adapter },
  { what: "node:http", ...door("http/node", "nodeAuth"), own: /\/dist\/http\/node/, most: adapter },
  { what: "Express", ...door("http/express", "expressAuth"), own: /\/dist\/http\/express/, most: adapter },
  { what: "Fastify", ...door("http/fastify", "fastifyAuth"), own: /\/dist\/http\/fastify/, most: adapter },
  { what: "Hono", ...door("http/hono", "honoAuth"), own: /\/dist\/http\/(hono|fetch)/, most: adapter },
  { what: "NestJS", ...door("nestjs", "nestAuth"), own: /\/dist\/(nestjs\.js|nestjs\/)/, most: adapter },
];

export async function measured() {
  const folder = mkdtempSync(join(tmpdir(), "countersign-size-"));
  try {
    const sizes = [];
    for (const budget of budgets) sizes.push({ ...budget, bytes: await sizeOf(folder, budget) });
    return sizes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function sizeProblems() {
  const sizes = await measured();
  for (const { what, bytes, most } of sizes)
    process.stdout.write(`${what.padEnd(10)} ${String(bytes).padStart(6)} of ${most} bytes\n`);
  return sizes
    .filter(({ bytes, most }) => bytes > most)
    .map(({ what, bytes, most }) => `${what}: ${bytes} bytes, compressed; the most is ${most}`);
}

async function sizeOf(folder, { entry, names, own = /\/dist\// }) {
  const input = join(folder, "entry.js");
  writeFileSync(input, `export { ${names.join(", ")} } from ${JSON.stringify(join(library, entry))};\n`);
  const bundle = await rolldown({
    input,
    platform: "node",
    logLevel: "silent",
    external: (id, importer) => importer !== undefined && isForeign(id, importer, own),
  });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  await bundle.close();
  // Files of ours that are counted elsewhere are in an application's own bundle, and nothing imports them there.
  const code = output[0].code.replaceAll(
    /import\{[^}]*\}from"[^"]*\/packages\/countersign\/dist\/[^"]*";/g,
    "",
  );
  return gzipSync(code, { level: 9 }).length;
}

function isForeign(id, importer, own) {
  if (!id.startsWith(".") && !id.startsWith("/")) return true;
  const path = id.startsWith("/") ? id : join(importer, "..", id);
  return !own.test(path);
}
