import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../../../tools/at-exit.ts";

const launcher = fileURLToPath(new URL("launcher.ts", import.meta.url));
const loaded = fileURLToPath(new URL("loaded.ts", import.meta.url));

const drivers = /\/(kysely|pg|ioredis)\//;
const servers = /\/(@grpc\/reflection|prom-client|pino|@connectrpc\/[\w-]+)\//;
const configuration = /\/(zod|yaml)\//;
const messages = /\/@bufbuild\/protobuf\//;
const conditions = /\/@bufbuild\/(cel|re2)\//;
const services = /\/countersign\/src\/service\/[\w-]+-service\.ts$/;
const grpc = /\/@grpc\/grpc-js\//;

/** What a command does without. Loading all that there is takes longer than most commands. */
const commands: readonly (readonly [command: string, without: readonly RegExp[]])[] = [
  ["--help", [drivers, servers, configuration, messages, conditions, grpc]],
  ["keys list --server 127.0.0.1:1", [drivers, servers, services, configuration, conditions]],
  ["logs list --key k --server 127.0.0.1:1", [drivers, servers, services, configuration, conditions]],
  ["users list", [drivers, servers, conditions, grpc]],
  ["config check", [drivers, conditions]],
];

/** The files that the program has read for a command. */
async function filesOf(command: string): Promise<readonly string[]> {
  const folder = temporaryFolder("loaded");
  const report = join(folder, "files");
  const args = ["--conditions=countersign-source", "--import", loaded, launcher, ...command.split(" ")];
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }), LOADED_FILES: report };
  await new Promise<void>((resolve) =>
    execFile(process.execPath, args, { cwd: folder, env }, () => resolve()),
  );
  return readFileSync(report, "utf8").split("\n");
}

describe("a command loads what it needs, and not", { concurrency: 2 }, () => {
  for (const [command, without] of commands)
    test(command, async () => {
      const files = await filesOf(command);
      assert.ok(files.some((file) => file.endsWith("/commands/program.ts")));
      for (const pattern of without)
        assert.deepEqual(
          files.filter((file) => pattern.test(file)),
          [],
        );
    });
});
