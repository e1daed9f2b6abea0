import assert from "node:assert/strict";
import { before, test } from "node:test";
import { bad, type ErrorJson, good, json, type KeyJson, run, scratchFolder } from "./program.ts";

const folder = scratchFolder();
const at = { folder };

before(async () => {
  await good(["users", "create", "dora"], at);
});

test("what is wrong with the arguments is exit code 2, whoever finds it", async () => {
  const { api_key: key } = await json<{ api_key: KeyJson }>(
    ["keys", "create", "--user", "dora", "--name", "one"],
    at,
  );
  const lines: readonly (readonly [args: readonly string[], line: RegExp])[] = [
    [["logs", "list", "--since", "nonsense"], /--since is a time/],
    [["logs", "list", "--status", "x"], /status: success or error/],
    [
      ["logs", "list", "--code", "99"],
      /--code is a gRPC status such as NOT_FOUND, or its number from 0 to 16/,
    ],
    [["logs", "stats", "--code", "99"], /--code is a gRPC status/],
    [["logs", "export", "--format", "csv", "--reason", "x"], /reason: one of/],
    [["logs", "list", "--page-token", "x"], /page_token: /],
    [["logs", "list", "--page-size", "5000"], /page_size: /],
    [["logs", "stats", "--step", "week"], /step: minute, hour or day/],
    [["logs", "stats", "--by", "colour"], /lists\[0\]: one of/],
    [["logs", "stats", "--tenant", "a b"], /tenant: /],
    [
      ["keys", "list", "--status", "x", "--type", "y", "--sort", "z"],
      /sort: one of .*status: one of .*type: /,
    ],
    [["keys", "usage", key.id, "--by", "week"], /period: hour or day/],
    [["keys", "hygiene", "--unused-days", "9999"], /unused_days: /],
    [["keys", "create", "--user", "dora", "--name", " x"], /name: 1 to 100 characters/],
    [["keys", "update", key.id, "--tag", "a b", "--scope", "a*"], /scopes\[0\]: .*tags\[0\]: /],
    [["keys", "rotate", key.id, "--grace", "91d"], /grace: from 0s/],
    [
      [
        "keys",
        "create",
        "--user",
        "dora",
        "--name",
        "x",
        "--limit",
        "many",
        "--limit",
        "1/m",
        "--limit",
        "1/year",
      ],
      /--limit is a number for a period: .* \(not many, 1\/year\)/,
    ],
    [["audit", "show", "first"], /a change is named by its number/],
    [["audit", "list", "--since", "nonsense"], /--since is a time/],
    [["users", "list", "--page-size", "5000"], /page_size: /],
  ];
  for (const [args, line] of lines) assert.match(await bad(2, args, at), line, args.join(" "));
  const told = JSON.parse(await bad(2, ["logs", "list", "--status", "x", "-o", "json"], at)) as ErrorJson;
  assert.deepEqual(
    [told.error.status, told.error.violations.map(({ field }) => field)],
    ["INVALID_ARGUMENT", ["filter.status"]],
  );
});

test("what is there, or is not, is exit code 1", async () => {
  assert.match(await bad(1, ["keys", "show", "nothing"], at), /NOT_FOUND/);
  assert.match(await bad(1, ["logs", "list", "--user", "nobody"], at), /NOT_FOUND/);
  assert.match(await bad(1, ["tokens", "inspect"], { folder, input: "x" }), /that is no token/);
});

test("a status is named however it is written, or numbered", async () => {
  for (const code of ["not_found", "NotFound", "5", "NOT_FOUND"]) {
    assert.equal(await good(["logs", "list", "--code", code], at), "No requests.\n");
    assert.match(await good(["logs", "stats", "--code", code], at), /^calls +0$/m);
  }
});

test("a whole key in the place of an id is not repeated", async () => {
  const made = await run(["keys", "create", "--user", "dora", "--name", "secret"], at);
  const line = await bad(2, ["keys", "show", made.stdout.trim()], at);
  assert.ok(!line.includes(made.stdout.trim().slice(-20)));
});
