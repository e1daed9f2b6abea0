import assert from "node:assert/strict";
import { chmodSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { checkClock, checkNode } from "../src/doctor/machine.ts";
import { good, json, type RunOptions, run, scratchFolder, startDev } from "./program.ts";

interface Checked {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly status: string;
    readonly detail: string;
    readonly remedy?: string;
  }[];
}

async function doctor(options: RunOptions, ...more: readonly string[]) {
  const { code, stdout } = await run(["doctor", "-o", "json", ...more], options);
  const { ok, checks } = JSON.parse(stdout) as Checked;
  const find = (name: string) =>
    checks.find((check) => check.name === name) ?? assert.fail(`no check ${name}: ${stdout}`);
  return { code, ok, checks, find };
}

test("before the first start there is nothing wrong, and something to do", async () => {
  const folder = scratchFolder();
  const { code, find } = await doctor({ folder });
  assert.equal(code, 0);
  assert.deepEqual([find("data folder").status, find("database").status], ["warn", "warn"]);
  assert.equal((await doctor({ folder }, "--strict")).code, 1);
});

test("beside a running server all is well", async () => {
  const folder = scratchFolder();
  const server = await startDev(folder);
  try {
    const env = { COUNTERSIGN_GRPC_LISTEN: server.grpc, COUNTERSIGN_HTTP_LISTEN: server.http };
    const { code, checks, find } = await doctor({ folder, env });
    assert.equal(code, 0);
    assert.deepEqual(
      checks.filter(({ status }) => status === "fail"),
      [],
    );
    for (const name of ["grpc", "http"]) assert.match(find(name).detail, /a server answers, and serves$/);
    assert.equal(find("superuser").detail, "admin is one, and active");
    assert.match(find("request log").detail, /requests\.db: (empty|since 20\S+Z), 1 of 1000 MB$/);
    assert.match(find("signing keys").detail, /^RS256 [\w-]{43}$/);
    const text = await good(["doctor"], { folder, env });
    assert.match(text, /^ok {4}node +Node \d+/m);
    assert.match(text, /^ok {4}schema +version \d+$/m);
    const secrets = Object.values(
      JSON.parse(readFileSync(join(folder, ".countersign/development-secrets.json"), "utf8")) as Record<
        string,
        string
      >,
    );
    for (const secret of [...secrets, server.apiKey]) assert.ok(!text.includes(secret));
  } finally {
    await server.stop();
  }
});

test("what is wrong fails, with its remedy", async () => {
  const folder = scratchFolder();
  const stranger = createServer((socket) => socket.end("220 hello\r\n"));
  await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  const { port } = stranger.address() as { port: number };
  await good(["users", "create", "plain"], { folder });
  chmodSync(join(folder, ".countersign"), 0o755);
  writeFileSync(
    join(folder, ".countersign/requests.db"),
    "not a database, and long enough to be read as one".repeat(9),
    {
      mode: 0o600,
    },
  );
  const address = `127.0.0.1:${port}`;
  const env = { COUNTERSIGN_HTTP_LISTEN: address, COUNTERSIGN_GRPC_LISTEN: address };
  const { code, find } = await doctor({ folder, env });
  stranger.close();
  assert.equal(code, 1);
  assert.deepEqual([find("data folder").status, find("superuser").status], ["fail", "warn"]);
  assert.match(find("data folder").remedy ?? "", /^chmod 700 /);
  assert.match(find("request log").detail, /requests\.db: file is not a database$/);
  for (const name of ["grpc", "http"])
    assert.match(find(name).detail, /is in use, and what is there is no Countersign server$/);
});

test("a damaged or a foreign database is left as it is", async () => {
  const folder = scratchFolder();
  await good(["users", "create", "plain", "--superuser"], { folder });
  const path = join(folder, ".countersign/countersign.db");
  truncateSync(path, 6000);
  const broken = readFileSync(path);
  const damaged = await doctor({ folder });
  assert.deepEqual([damaged.code, damaged.find("database").status], [1, "fail"]);
  assert.match(damaged.find("database").remedy ?? "", /restore it from a backup/);
  assert.deepEqual(readFileSync(path), broken);
  writeFileSync(
    path,
    "this is no database at all, but somebody's text, and rather a long one for that matter",
  );
  assert.equal((await doctor({ folder })).find("database").status, "fail");
});

test("a configuration that cannot be read ends the examination of all that hangs on it", async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, "countersign.yaml"), "dta: x\n");
  const { code, find } = await doctor({ folder });
  assert.equal(code, 1);
  assert.match(find("configuration").detail, /dta/);
  assert.equal((await json<Checked>(["doctor"], { folder: scratchFolder() })).ok, true);
});

test("an old Node and a clock that is behind its records", () => {
  assert.deepEqual(
    [checkNode("20.20.2").status, checkNode("22.12.0").status, checkNode("22.13.0").status === "fail"],
    ["fail", "fail", false],
  );
  const now = new Date("2026-06-01T00:00:00Z");
  assert.equal(checkClock(new Date("2026-06-01T00:00:30Z"), now).status, "ok");
  assert.match(
    checkClock(new Date("2026-06-02T00:00:00Z"), now).detail,
    /the newest record is of 2026-06-02/,
  );
  assert.equal(checkClock(undefined, new Date("1970-01-02T00:00:00Z")).status, "fail");
});
