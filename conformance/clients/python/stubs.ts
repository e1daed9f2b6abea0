import { execFileSync } from "node:child_process";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonWithGrpc } from "../../../tools/ensure-tools.ts";
import { protoFolder } from "../../protos.ts";
import { scratchFolder } from "../../scratch.ts";

/** The folder of npm's programs; tests that are started by hand do not have it on their PATH. */
export const binFolder = fileURLToPath(new URL("../../../node_modules/.bin", import.meta.url));

let folder: string | undefined;

/** Python's stubs of our protos, made once per process. buf brings the imports that Debian's protoc lacks. */
export function pythonStubs(): string {
  if (folder !== undefined) return folder;
  const out = scratchFolder();
  const plugins = [
    { protoc_builtin: "python", out },
    { local: "grpc_python_plugin", out },
  ];
  execFileSync("buf", ["generate", protoFolder, "--template", JSON.stringify({ version: "v2", plugins })], {
    env: { ...process.env, PATH: [binFolder, process.env["PATH"]].join(delimiter) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  folder = out;
  return out;
}

/** The interpreter that can import grpc. */
export function requirePython(): string {
  const python = pythonWithGrpc();
  if (python === undefined) throw new Error("no Python here can import grpc: run node tools/ensure-tools.js");
  return python;
}
