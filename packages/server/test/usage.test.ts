import assert from "node:assert/strict";
import { test } from "node:test";
import { bad, type ErrorJson, good, run, scratchFolder } from "./program.ts";

const folder = scratchFolder();
const at = { folder };

test("a command that is not understood ends with 2, in one line that says where to look", async () => {
  const mistakes: readonly (readonly [args: readonly string[], line: RegExp])[] = [
    [["frobnicate"], /^countersign: unknown command 'frobnicate'; see countersign --help$/],
    [["users", "lst"], /unknown command 'lst' \(Did you mean list\?\); see countersign users --help$/],
    [["users", "list", "--frob"], /unknown option '--frob'; see countersign users list --help$/],
    [["users", "create"], /missing required argument 'username'/],
    [["keys", "create", "--user", "x"], /required option '--name <name>' not specified/],
    [["users", "list", "-o", "xml"], /Allowed choices are text, json/],
    [["users", "list", "--page-size", "many"], /It is a whole number/],
    [["users", "update", "x"], /no store at/],
    [["users", "list", "--server", "nonsense"], /--server is an address such as/],
    [["users", "list", "--ca-file", "x"], /--ca-file goes with --server/],
    [["dev", "--frob"], /unknown option '--frob'; see countersign dev --help$/],
  ];
  for (const [args, line] of mistakes) {
    const code = /no store/.test(line.source) ? 1 : 2;
    assert.match(await bad(code, args, at), line);
  }
  const told = JSON.parse(await bad(2, ["users", "list", "--frob", "-o", "json"], at)) as ErrorJson;
  assert.equal(told.error.status, "USAGE");
});

test("help is there for everything, with examples", async () => {
  const group = await run(["keys"], at);
  assert.equal(group.code, 2);
  assert.match(group.stderr, /Commands:/);
  for (const args of [
    ["users", "create"],
    ["keys", "create"],
    ["tokens", "inspect"],
    ["config", "check"],
    ["doctor"],
  ]) {
    const text = await good([...args, "--help"], at);
    assert.match(text, /Examples:\n {2}\$ countersign /);
    assert.match(text, /--output/);
  }
  assert.match(await good(["keys", "create", "--help"], at), /The key alone goes to standard output/);
});

test("a secret in an argument is refused, and not repeated", async () => {
  const secret = "hunter2-hunter2-hunter2";
  const key = `cs_dev_0A1b2C3d4E5f6G7h8_${"x".repeat(49)}`;
  const token = `eyJ${"a".repeat(20)}.eyJ${"b".repeat(20)}.${"c".repeat(43)}`;
  const attempts: readonly (readonly [args: readonly string[], line: RegExp])[] = [
    [["users", "create", "x", "--password", secret], /--password: a secret does not come from an argument/],
    [["users", "create", "x", `--password=${secret}`], /a secret does not come from an argument/],
    [["users", "create", "x", `--passwd=${secret}`], /unknown option '--passwd'/],
    [["users", "create", "x", secret], /too many arguments for 'create'/],
    [
      ["users", "list", "--server", "127.0.0.1:1", "--token", secret],
      /a secret does not come from an argument/,
    ],
    [
      ["users", "list", "--server", "127.0.0.1:1", "--api-key", secret],
      /a secret does not come from an argument/,
    ],
    [["tokens", "inspect", token], /a token does not come from an argument/],
  ];
  for (const [args, line] of attempts) {
    const told = await bad(2, args, at);
    assert.match(told, line);
    for (const value of [secret, key, token]) assert.ok(!told.includes(value), told);
  }
  await good(["users", "create", "x"], at);
  const told = await bad(2, ["keys", "revoke", key], at);
  assert.match(told, /that is a whole key, .*name it by its id, 0A1b2C3d4E5f6G7h8$/);
});
