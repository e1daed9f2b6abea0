import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What a program made of itself, how many modules it is made of, and what of Node's they have asked for. */
export interface WithoutNode {
  readonly result: unknown;
  readonly modules: number;
  readonly builtins: readonly string[];
}

/** Runs a program, which lies in this folder, where there is nothing of Node's but AsyncLocalStorage. */
export function runWithoutNode(program: string): WithoutNode {
  const script = fileURLToPath(new URL("web-only.suite.ts", import.meta.url));
  const flags = [
    "--experimental-vm-modules",
    "--experimental-import-meta-resolve",
    "--conditions=countersign-source",
    "--no-warnings",
  ];
  return JSON.parse(
    execFileSync(process.execPath, [...flags, script, program], { encoding: "utf8" }),
  ) as WithoutNode;
}
