import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { bad, good, json, run, scratchFolder } from "./program.ts";

const folder = scratchFolder();
const at = { folder };

interface Inspection {
  readonly good: boolean;
  readonly verified: boolean;
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly times: Record<string, string>;
  readonly problem?: { readonly reason: string; readonly cause: string };
  readonly user?: { readonly username: string; readonly is_active: boolean };
}

before(async () => {
  await good(["users", "create", "dora", "--email", "dora@example.com"], at);
});

async function mint(...more: readonly string[]): Promise<string> {
  return (await good(["tokens", "mint", "--user", "dora", ...more], at)).trim();
}

async function inspect(token: string): Promise<Inspection & { readonly code: number | null }> {
  const { code, stdout } = await run(["tokens", "inspect", "-o", "json"], { folder, input: token });
  return { code, ...(JSON.parse(stdout) as Inspection) };
}

test("a minted token is good, and says what it was told to", async () => {
  const token = await mint("--expires", "24h", "--claim", 'team="acme"', "--claim", 'limits={"a":[1]}');
  const found = await inspect(`${token}\n`);
  assert.deepEqual([found.code, found.good, found.verified, found.user?.username], [0, true, true, "dora"]);
  assert.deepEqual([found.claims["team"], found.claims["limits"]], ["acme", { a: [1] }]);
  assert.equal(Number(found.claims["exp"]) - Number(found.claims["iat"]), 86_400);
  assert.match(found.times["exp"] ?? "", /^20\d\d-.*Z$/);
  const answer = await json<Record<string, unknown>>(["tokens", "mint", "--user", "dora@example.com"], at);
  assert.deepEqual([answer["token_type"], answer["expires_in"]], ["bearer", 900]);
  const file = join(folder, "token");
  writeFileSync(file, `Bearer ${token}\n`);
  const text = await good(["tokens", "inspect", file], at);
  assert.match(text, /^Header\n {2}typ +JWT\n {2}alg +RS256\n {2}kid +\S{43}\n\nClaims\n/);
  assert.match(text, /\nGood: it is accepted\. It is dora's \(id 1\)\.\n$/);
  assert.ok(!text.includes(token.split(".")[2] ?? "?"));
});

test("a token that is not good is taken apart all the same, and the exit code is 1", async () => {
  const token = await mint();
  const [header = "", claims = "", signature = ""] = token.split(".");
  const other = signature.startsWith("A") ? "B" : "A";
  const forged = await inspect(`${header}.${claims}.${other}${signature.slice(1)}`);
  assert.deepEqual([forged.code, forged.good, forged.verified], [1, false, false]);
  assert.deepEqual(forged.problem, { reason: "TOKEN_INVALID", cause: "signature does not match" });
  assert.equal(forged.claims["username"], "dora");
  const { code, stdout } = await run(["tokens", "inspect"], {
    folder,
    input: `${header}.${claims}.${other}${signature.slice(1)}`,
  });
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^Header \(NOT VERIFIED: [\s\S]*\nClaims \(NOT VERIFIED: [\s\S]*\nNot good: signature does not match \(TOKEN_INVALID\)\.\n$/,
  );
  assert.match(await bad(1, ["tokens", "inspect"], { folder, input: "nonsense" }), /that is no token/);
});

test("the user of a token is looked up", async () => {
  await good(["users", "create", "finn"], at);
  const token = (await good(["tokens", "mint", "--user", "finn"], at)).trim();
  await good(["users", "disable", "finn"], at);
  const disabled = await inspect(token);
  assert.deepEqual([disabled.code, disabled.verified, disabled.problem?.reason], [1, true, "USER_DISABLED"]);
  assert.match(
    await bad(1, ["tokens", "mint", "--user", "finn"], at),
    /The user is disabled: a token would be refused \(FAILED_PRECONDITION\)/,
  );
  await good(["users", "delete", "finn", "--yes"], at);
  assert.equal((await inspect(token)).problem?.cause, "no such user");
});

test("what cannot be signed is named", async () => {
  const lines: readonly (readonly [code: number, args: readonly string[], line: RegExp])[] = [
    [1, ["--user", "nobody"], /no such user: nobody/],
    [2, ["--user", "dora", "--expires", "0s"], /--expires is a duration/],
    [2, ["--user", "dora", "--claim", "a=b"], /--claim a: what follows = is not JSON/],
    [2, ["--user", "dora", "--claim", "sub=1"], /claims: cannot set sub \(INVALID_ARGUMENT\)/],
    [2, ["--user", "dora", "--claim", "a=1", "--claim", "a=2"], /--claim a is there twice/],
  ];
  for (const [code, args, line] of lines)
    assert.match(await bad(code, ["tokens", "mint", ...args], at), line);
});
