import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { programFile } from "../../tools/program-file.ts";
import { binFolder, pythonStubs, requirePython } from "../clients/python/stubs.ts";
import { scratchFolder } from "../scratch.ts";
import type { ServerProcess } from "../server-process.ts";
import type { Block, Page } from "./pages.ts";

/** Languages that can be marked `run`, and what runs a file of theirs in the shell. */
const runners: Readonly<Record<string, { readonly extension: string; readonly command: string }>> = {
  sh: { extension: "sh", command: "." },
  python: { extension: "py", command: "python3" },
  go: { extension: "go", command: "go run" },
};

export const isRun = ({ marks }: Block): boolean => marks.get("run") === true;

/**
 * Runs the marked blocks of a page, in their order and in one shell, against a server. `# → TEXT` (`// → TEXT`) in a block
 * says what it prints, in this order. Returns what was otherwise.
 */
export function runBlocks(page: Page, server: ServerProcess): readonly string[] {
  const folder = scratchFolder();
  const blocks = page.blocks.filter(isRun);
  const lines = ["set -eu"];
  for (const [index, block] of blocks.entries()) {
    const runner = runners[block.language];
    if (runner === undefined) return [`${block.where}: ${block.language} cannot be run`];
    const path = join(folder, `block-${index}.${runner.extension}`);
    writeFileSync(path, onPorts(`${block.given}\n${block.code}`, server));
    lines.push(`${runner.command} ${path}`, `echo '${mark(index)}'`);
  }
  writeFileSync(join(folder, "page.sh"), `${lines.join("\n")}\n`);
  const run = spawnSync("bash", ["-c", "exec 2>&1; . ./page.sh"], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
    env: environment(folder, server),
  });
  return problems(blocks, run.stdout, server);
}

const mark = (index: number): string => `--- end of block ${index} ---`;

/** A page shows the usual ports, and waits as people would; the server has free ones, and other tests beside it. */
function onPorts(text: string, { grpc, http }: ServerProcess): string {
  return text
    .replaceAll("127.0.0.1:50051", grpc)
    .replaceAll("127.0.0.1:8000", http)
    .replace(/^sleep 1\b/gm, "sleep 3");
}

function problems(blocks: readonly Block[], output: string, server: ServerProcess): readonly string[] {
  let rest = output;
  for (const [index, block] of blocks.entries()) {
    const end = rest.indexOf(mark(index));
    if (end === -1) return [`${block.where}: it failed:\n${rest}`];
    const printed = rest.slice(0, end);
    rest = rest.slice(end + mark(index).length);
    let at = 0;
    for (const [, expected = ""] of block.code.matchAll(/(?:#|\/\/) → (.*)$/gm)) {
      const found = printed.indexOf(onPorts(expected.trim(), server), at);
      if (found === -1) return [`${block.where}: "${expected}" was not printed; it printed:\n${printed}`];
      at = found + expected.trim().length;
    }
  }
  return [];
}

/** The program and buf as `npx` would start them; the program works on the server's own store. */
function environment(folder: string, { data }: ServerProcess): NodeJS.ProcessEnv {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const program = `exec '${process.execPath}' --conditions=countersign-source '${programFile}'`;
  const shims = {
    npx: `while [ "$1" = -y ]; do shift; done\ncase "$1" in\ncountersign) shift; ${program} "$@" ;;\n@bufbuild/buf@*) shift; exec buf "$@" ;;\n*) echo "npx $1: not here"; exit 1 ;;\nesac`,
    python3: `exec '${requirePython()}' "$@"`,
  };
  for (const [name, text] of Object.entries(shims)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const { COUNTERSIGN_CONFIG: _config, NODE_TEST_CONTEXT: _context, ...env } = process.env;
  return {
    ...env,
    PATH: [bin, binFolder, env["PATH"]].join(delimiter),
    PYTHONPATH: pythonStubs(),
    PYTHONDONTWRITEBYTECODE: "1",
    GO111MODULE: "off",
    COUNTERSIGN_DATA: data,
  };
}
