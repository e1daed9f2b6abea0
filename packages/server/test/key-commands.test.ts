import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import type { RequestRecord } from "countersign/store";
import { openSqliteRequestLog } from "countersign/store/sqlite";
import { readCsv } from "../src/keys/csv.ts";
import { readImportFile } from "../src/keys/import-file.ts";
import { bad, good, json, type KeyJson, run, scratchFolder } from "./program.ts";

const folder = scratchFolder();
const at = { folder };

interface Made {
  readonly api_key: KeyJson & Record<string, unknown>;
  readonly key: string;
  readonly link: string;
}

const make = (name: string, ...more: readonly string[]): Promise<Made> =>
  json<Made>(["keys", "create", "--user", "dora", "--name", name, ...more], at);

before(async () => {
  await good(["users", "create", "dora"], at);
});

test("a key is made with limits, changed, switched off and on, and found again", async () => {
  const limits = [
    "--address",
    "10.0.0.0/8",
    "--method",
    "a.B/*",
    "--limit",
    "100/m",
    "--limit",
    "5000/d",
    "--tag",
    "ci",
  ];
  const { api_key: key } = await make("limited", ...limits);
  assert.deepEqual(
    [key["address_ranges"], key["methods"], key["limits"], key["tags"]],
    [
      ["10.0.0.0/8"],
      ["/a.B/*"],
      [
        { calls: "100", per: "minute" },
        { calls: "5000", per: "day" },
      ],
      ["ci"],
    ],
  );
  const changed = await good(
    ["keys", "update", key.id, "--clear", "address", "--tag", "eu", "--expires", "90d"],
    at,
  );
  assert.match(changed, /methods +\/a\.B\/\*\nlimits +100\/minute 5000\/day\ntags +eu\n/);
  assert.ok(!/addresses/.test(changed));
  assert.equal(await good(["keys", "disable", key.id], at), 'Disabled the key "limited" of dora (id 1).\n');
  const filters = ["--status", "disabled", "--tag", "eu", "--search", "LIM", "--owner", "dora"];
  assert.match(await good(["keys", "list", ...filters, "--expiring-within", "91d"], at), new RegExp(key.id));
  assert.equal(await good(["keys", "enable", key.id], at), 'Enabled the key "limited" of dora (id 1).\n');
  assert.match(
    await bad(2, ["keys", "create", "--user", "dora", "--name", "x", "--limit", "many"], at),
    /--limit is a number for a period/,
  );
});

test("a key is rotated: the new one alone on standard output, and what became of the old one beside it", async () => {
  const { api_key: old } = await make("rotated");
  const ran = await run(["keys", "rotate", old.id, "--grace", "1h"], at);
  assert.match(ran.stdout, /^cs_dev_[0-9A-Za-z]{17}_[0-9A-Za-z]{49}\n$/);
  assert.match(
    ran.stderr,
    new RegExp(
      `^The old one, id ${old.id}, was never used, and works until 20\\S+Z\\.\nMade the key "rotated" of dora`,
    ),
  );
  const id = ran.stdout.split("_")[2] ?? "";
  assert.match(
    await good(["keys", "show", id], at),
    new RegExp(`replaces +${old.id}\nThe old one, id ${old.id}, was never used`),
  );
  assert.match(
    await good(["keys", "end-grace", id], at),
    new RegExp(`id ${old.id}, was never used, and is refused since 20`),
  );
  const revoked = await run(["keys", "revoke", id, old.id, "none", "--reason", "spring"], at);
  assert.equal(revoked.stdout, 'Revoked the key "rotated" of dora (id 1).\n'.repeat(2));
  assert.match(revoked.stderr, /not revoked, .*: none \(NOT_FOUND\)\n$/);
});

test("usage and hygiene have something to say, or say that they do not", async () => {
  const { api_key: key } = await make("endless");
  assert.equal(await good(["keys", "usage", key.id, "--by", "hour"], at), "No calls in this time.\n");
  const strict = await run(["keys", "hygiene", "--strict"], at);
  assert.equal(strict.code, 1);
  assert.match(
    strict.stdout,
    new RegExp(`^FINDING +ID +NAME +USER +WHAT\nno_expiry +${key.id} +endless +dora `),
  );
  const { checks } = JSON.parse((await run(["doctor", "--strict", "-o", "json"], at)).stdout) as {
    checks: { name: string; status: string; detail: string }[];
  };
  const check = checks.find(({ name }) => name === "API keys");
  assert.deepEqual([check?.status, check?.detail], ["warn", "1 without an end"]);
});

test("leaked keys are found in files and folders, never shown, and revoked where their secret is right", async () => {
  const [leaked, other] = [
    await make("leaked", "--expires", "1d"),
    await make("elsewhere", "--expires", "1d"),
  ];
  const places = join(folder, "places");
  mkdirSync(join(places, ".git", "deep"), { recursive: true });
  writeFileSync(join(places, ".gitignore"), "*.env\n");
  writeFileSync(join(places, ".git", "deep", "a.env"), `A=1\nKEY=${leaked.key}\n`);
  writeFileSync(
    join(places, "b.bin"),
    Buffer.concat([Buffer.alloc(1 << 20, 7), Buffer.from(leaked.key, "utf16le")]),
  );
  const outside = join(folder, "outside.txt");
  writeFileSync(outside, other.key);
  symlinkSync(outside, join(places, "link"));
  symlinkSync(folder, join(places, "up"));
  const found = await run(["keys", "scan", places, "-o", "json"], at);
  assert.equal(found.code, 1);
  const { found: leaks } = JSON.parse(found.stdout) as {
    found: { file: string; line: number; id: string }[];
  };
  assert.deepEqual(
    leaks.map(({ file, line, id }) => `${file.slice(places.length)}:${line} ${id}`),
    [`/.git/deep/a.env:2 ${leaked.api_key.id}`, `/b.bin:1 ${leaked.api_key.id}`],
  );
  const text = await run(["keys", "scan", places, "--revoke"], at);
  assert.match(text.stdout, /a\.env:2 {2}dev {2}\S+ {2}revoked\n/);
  for (const part of [found, text]) assert.ok(!`${part.stdout}${part.stderr}`.includes(leaked.key.slice(30)));
  const { api_key: revoked } = await json<Made>(["keys", "show", leaked.api_key.id], at);
  assert.equal(revoked.status, "revoked");
  assert.match(revoked.revoked_reason, /^found in .*a\.env:2$/);
  const piped = await run(["keys", "scan", "-", join(places, ".gitignore")], {
    ...at,
    input: `x ${other.key}`,
  });
  assert.match(piped.stdout, new RegExp(`^-:1 {2}dev {2}${other.api_key.id}\n$`));
  assert.match(piped.stderr, /^1 key in 1 place; 2 files, 0 MB\n$/);
  assert.equal(piped.code, 1);
});

test("a place that cannot be looked at is no leak, and not taken for clean either", async () => {
  const clean = join(folder, "clean.txt");
  writeFileSync(clean, "nothing");
  const none = await run(["keys", "scan", clean], at);
  assert.deepEqual([none.code, none.stderr], [0, "0 keys in 0 places; 1 file, 0 MB\n"]);
  const missing = join(folder, "not-there");
  const line = await bad(2, ["keys", "scan", clean, missing, `${missing}-either`], at);
  assert.equal(line, `countersign: no such file or folder: ${missing}, ${missing}-either`);
  const { key } = await make("in an argument");
  const told = await bad(2, ["keys", "scan", key], at);
  assert.match(told, /that is a whole key, which should not stand in an argument/);
  assert.ok(!told.includes(key.slice(30)));
  // A pipe cannot be read to its end, whoever runs this.
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const unread = await run(["keys", "scan", clean, pipe], at);
  assert.equal(unread.code, 2);
  assert.match(
    unread.stderr,
    /pipe: not looked at \(neither a file nor a folder\)\n0 keys in 0 places; 1 file/,
  );
  writeFileSync(clean, key);
  assert.equal((await run(["keys", "scan", clean, pipe], at)).code, 1, "what was found counts more");
});

test("a file of keys is imported line by line, and again without effect", async () => {
  const hash = (key: string) => createHash("sha256").update(key).digest("hex");
  const file = join(folder, "keys.csv");
  const rows = [
    "hash,name,owner,scopes,expires_at",
    `${hash("old-key-1")},"one, with a comma",dora,orders:read orders:write,2030-01-01`,
    `${hash("old-key-2")},two,id:1,,`,
    `${hash("old-key-3")},three,nobody,,`,
    "what,four,dora,,",
  ];
  writeFileSync(file, `${rows.join("\r\n")}\r\n`);
  const dry = await run(["keys", "import", file, "--dry-run"], at);
  assert.equal(dry.stdout, "2 would be imported, 0 known already, 2 refused; nothing was done\n");
  assert.match(
    dry.stderr,
    /^line 4: owner: no such user\nline 5: hash: none of a kind that is taken: SHA-256 or SHA-512 in hex or base64/,
  );
  const first = JSON.parse((await run(["keys", "import", file, "-o", "json"], at)).stdout) as {
    imported: number;
    lines: object[];
  };
  assert.deepEqual([first.imported, first.lines.length], [2, 4]);
  const again = await run(["keys", "import", file], at);
  assert.match(again.stdout, /^0 would|^0 /);
  assert.match(again.stdout, /2 known already, 2 refused/);
  assert.equal(await good(["keys", "import-status"], at), "0 of 2 seen\n");
});

test("files of keys are read as they are written", () => {
  assert.deepEqual(
    readCsv('a,b\r\n"x ""y""\nz",\n\n1,2,').map(({ line, cells }) => [line, ...cells]),
    [
      [1, "a", "b"],
      [2, 'x "y"\nz', ""],
      [5, "1", "2", ""],
    ],
  );
  assert.deepEqual(readCsv("\ufeffa\n"), [{ line: 1, cells: ["a"] }]);
  const [broken, next] = readCsv('a"b,c\nd,e');
  assert.deepEqual([broken?.cells, next], [[], { line: 2, cells: ["d", "e"] }]);
  assert.match(broken?.problem ?? "", /^a quotation mark in a cell that does not begin with one: /);
  for (const text of ['a,"b\nd,e', '"a,b\nd,e', 'x,"a" b\nd,e']) {
    const [open, after] = readCsv(text);
    assert.match(open?.problem ?? "", /^a quotation mark that opens a cell is not closed at its end: /, text);
    assert.deepEqual([open?.line, after], [1, { line: 2, cells: ["d", "e"] }], text);
  }
  const problems = (text: string) =>
    readImportFile(text, "ndjson").map(({ line, problem }) => `${line} ${problem}`);
  assert.deepEqual(
    problems(
      '{"hash":"h","name":"n","owner":"o","scopes":["a"]}\n\nnonsense\n[]\n{"user_id":1}\n{"scopes":"a"}\n{"expires_at":"soon"}',
    ),
    [
      "1 undefined",
      "3 not JSON",
      "4 not a JSON object",
      '5 "user_id" is not one of hash, algorithm, prefix, name, owner, type, description, expires_at, scopes, roles, tags',
      "6 scopes: a list of texts",
      "7 expires_at: an instant such as 2027-01-01T00:00:00Z",
    ],
  );
});

test("keys are listed in the order that is asked for", async () => {
  const names = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { api_keys: keys } = await json<{ api_keys: { name: string }[] }>(["keys", "list", ...args], at);
    return keys.map(({ name }) => name);
  };
  const lower = (name: string): string => name.toLowerCase();
  const sorted = await names("--sort", "name");
  assert.deepEqual(sorted.map(lower), sorted.map(lower).sort());
  assert.deepEqual(await names("--sort", "-name", "--all", "--page-size", "2"), [...sorted].reverse());
  assert.match(
    await bad(2, ["keys", "list", "--sort", "age"], at),
    /sort: one of name, created_at, last_used_at, expires_at, total_requests/,
  );
});

test("calls are looked for by what a key begins with, and by a user's name", async () => {
  const { api_key: key } = await make("called");
  const log = await openSqliteRequestLog({ path: join(folder, ".countersign", "requests.db") });
  await log.append([callWith(key.id)]);
  await log.close();
  const { requests } = await json<{ requests: object[] }>(
    ["logs", "list", "--key", `cs_dev_${key.id.slice(0, 9)}`, "--user", "dora"],
    at,
  );
  assert.equal(requests.length, 1);
  assert.match(await good(["logs", "stats", "--key", key.id.slice(0, 9)], at), /^calls +1$/m);
  assert.match(await bad(1, ["logs", "list", "--key", "cs_dev_"], at), /may mean more than one key: .* or /);
  assert.equal(await good(["logs", "list", "--key", "nothing"], at), "No requests.\n");
});

test("a search for what is rare goes on by itself where a page of it has nothing", async () => {
  const many = scratchFolder();
  await good(["users", "create", "dora"], { folder: many });
  const log = await openSqliteRequestLog({ path: join(many, ".countersign", "requests.db") });
  await log.append([{ ...callWith("old"), userAgent: "rare" }]);
  const began = Date.now();
  const others = Array.from({ length: 20_000 }, (_, n) => ({ ...callWith("new"), at: began + n }));
  for (let batch = 0; batch < 15; batch += 1) await log.append(others);
  await log.close();
  const found = await run(["logs", "list", "--text", "rare"], { folder: many });
  assert.match(found.stdout, /call-of-a-key/);
  const none = await run(["logs", "list", "--text", "nowhere"], { folder: many });
  assert.deepEqual([none.stdout, none.stderr], ["No requests.\n", ""]);
});

function callWith(apiKeyId: string): RequestRecord {
  return {
    ...{ requestId: "call-of-a-key", at: Date.now() - 60_000, durationMs: 1, procedure: "/a.B/C" },
    ...{ protocol: "grpc", code: 0, reason: undefined, userId: "1", apiKeyId, authenticator: "api_key" },
    ...{ peer: "192.0.2.1:5", userAgent: undefined, received: 1, sent: 1, rule: "authenticated" },
    ...{ missing: undefined, tenantId: undefined },
  };
}

test("a dry run promises what the real run does, of more lines than one call has, too", async () => {
  const file = join(folder, "many-keys.csv");
  const line = (n: number, name = `many-${n}`): string =>
    `${createHash("sha256").update(`many-${n}`).digest("hex")},${name},dora,2030-01-01`;
  const rows = ["hash,name,owner,expires_at", ...Array.from({ length: 230 }, (_, n) => line(n))];
  rows.push(line(230, "many-1"), line(2, "another name"), line(231).replace("2030-01-01", "2030-02-30"));
  writeFileSync(file, `${rows.join("\n")}\n`);
  const problems = [
    "line 232: name: another key of this user has this name",
    "line 234: expires_at: an instant such as 2027-01-01T00:00:00Z",
  ];
  const dry = await run(["keys", "import", file, "--dry-run"], at);
  assert.deepEqual(
    [dry.stdout, dry.stderr.trim().split("\n"), dry.code],
    ["230 would be imported, 1 known already, 2 refused; nothing was done\n", problems, 1],
  );
  const real = await run(["keys", "import", file], at);
  assert.deepEqual(
    [real.stdout, real.stderr.trim().split("\n"), real.code],
    ["230 imported, 1 known already, 2 refused; done\n", problems, 1],
  );
});

test("a dry run compares what lines mean, however they write it", async () => {
  await good(["users", "create", "Mia", "--email", "mia@example.com"], at);
  const { users } = await json<{ users: { id: string; username: string }[] }>(["users", "list"], at);
  const mia = users.find(({ username }) => username === "Mia") ?? assert.fail();
  const digest = (key: string) => createHash("sha256").update(key).digest();
  const line = (key: string, more: object) => JSON.stringify({ hash: digest(key).toString("hex"), ...more });
  const rows = [
    line("one", { name: "caf\u00e9", owner: "Mia" }),
    ...Array.from({ length: 210 }, (_, n) => line(`fill ${n}`, { name: `fill ${n}`, owner: "Mia" })),
    line("two", { name: "cafe\u0301", owner: `id:${mia.id}` }),
    line("three", { name: "caf\u00e9", owner: "mia" }),
    line("one", { name: "other", owner: "Mia", hash: digest("one").toString("hex").toUpperCase() }),
    line("one", { name: "other", owner: "Mia", hash: digest("one").toString("base64") }),
    line("one", {
      name: "other",
      owner: "Mia",
      hash: digest("one").toString("base64url"),
      algorithm: "SHA256",
    }),
  ];
  const file = join(folder, "same.ndjson");
  writeFileSync(file, `\ufeff${rows.join("\n")}\n`);
  const taken = "name: another key of this user has this name";
  const problems = [`line 212: ${taken}`, `line 213: ${taken}`];
  const dry = await run(["keys", "import", file, "--dry-run"], at);
  assert.deepEqual(
    [dry.stdout, dry.stderr.trim().split("\n")],
    ["211 would be imported, 3 known already, 2 refused; nothing was done\n", problems],
  );
  const real = await run(["keys", "import", file], at);
  assert.deepEqual(
    [real.stdout, real.stderr.trim().split("\n")],
    ["211 imported, 3 known already, 2 refused; done\n", problems],
  );
});

test("a dry run sees look-up prefixes that one key could fit two of, as the real run does", async () => {
  const slow = (n: number): string => `$2b$10$${String(n).padStart(53, "a")}`;
  const quick = (text: string): string => createHash("sha256").update(text).digest("hex");
  const row = (n: number, prefix: string, hash = slow(n)): string =>
    JSON.stringify({ hash, name: `slow ${n}`, owner: "dora", prefix });
  const importing = async (name: string, rows: readonly string[], ...more: string[]) => {
    const file = join(folder, name);
    writeFileSync(file, `${rows.join("\n")}\n`);
    const { stdout, stderr } = await run(["keys", "import", file, ...more], at);
    return [stdout.replace(/ would be imported| imported/, "").split(";")[0], stderr.trim().split("\n")];
  };
  await importing("there.ndjson", [row(0, "there_1")]);
  const rows = [
    row(1, "there_"),
    row(2, "there_12"),
    row(3, "there_2"),
    row(4, "there_2"),
    row(5, "there_1", quick("prefixes of quick hashes are told to people")),
    ...Array.from({ length: 200 }, (_, n) =>
      JSON.stringify({ hash: quick(`between ${n}`), name: `between ${n}`, owner: "dora" }),
    ),
    row(6, "there_23"),
    row(7, "there_3"),
    row(8, "there_1", quick("the same again")),
  ];
  const problems = [1, 2, 4, 206].map(
    (line) => `line ${line}: prefix: another imported key begins like this, or this begins like another one`,
  );
  const expected = ["204, 0 known already, 4 refused", problems];
  assert.deepEqual(await importing("prefixes.ndjson", rows, "--dry-run"), expected);
  assert.deepEqual(await importing("prefixes.ndjson", rows), expected);
});

test("a key that begins as ours do is not imported: nobody could ever use it", async () => {
  const file = join(folder, "begins-as-ours.ndjson");
  const hash = createHash("sha256").update("cs_old_key_of_theirs").digest("hex");
  const slow = `$2b$10$${"z".repeat(53)}`;
  const rows = [hash, slow].map((one, n) =>
    JSON.stringify({ hash: one, name: `as ours ${n}`, owner: "dora", prefix: "cs_old" }),
  );
  writeFileSync(file, `${rows.join("\n")}\n`);
  for (const more of [["--dry-run"], []]) {
    const { stderr, code } = await run(["keys", "import", file, ...more], at);
    const problem = "prefix: a key that begins cs_ has to be one of ours, and is refused";
    assert.deepEqual([stderr, code], [`line 1: ${problem}\nline 2: ${problem}\n`, 1]);
  }
});

test("a key is named by what it begins with, as it is shown; a second revocation says what it does not change", async () => {
  const { api_key: key } = await json<{ api_key: KeyJson & { prefix: string } }>(
    ["keys", "create", "--user", "dora", "--name", "named"],
    at,
  );
  assert.match(await good(["keys", "show", key.prefix], at), new RegExp(`^id +${key.id}\n`));
  assert.match(await good(["keys", "disable", key.prefix], at), /^Disabled the key "named" of dora /);
  const first = await run(["keys", "revoke", key.id, "--reason", "lost"], at);
  assert.deepEqual([first.stdout.startsWith('Revoked the key "named" of dora '), first.stderr], [true, ""]);
  for (const ids of [[key.id], [key.id, key.prefix]]) {
    const { stderr, code } = await run(["keys", "revoke", ...ids, "--reason", "found on a bus"], at);
    assert.equal(code, 0);
    assert.match(
      stderr,
      /^The key "named" of dora \(id \d+\) was revoked before, at [-0-9T:]+Z, and keeps its reason: lost\n/,
    );
  }
});

test("the audit log is asked for who it was by name, as every list is", async () => {
  const { records } = await json<{ records: object[] }>(["audit", "list", "--actor", "system", "--all"], at);
  assert.ok(records.length > 0);
  assert.equal(await good(["audit", "list", "--actor", "dora"], at), "No changes.\n");
  assert.match(await bad(1, ["audit", "list", "--actor", "nobody"], at), /no such user: nobody/);
  assert.match(await bad(1, ["audit", "export", "--actor", "nobody"], at), /no such user: nobody/);
  assert.equal(await good(["audit", "list", "--actor", "99999"], at), "No changes.\n");
});

test("a line says which hashes are taken, and all that is wrong with it", async () => {
  const md5 = createHash("md5").update("x").digest("hex");
  const rows = [
    "hash,algorithm,name,owner",
    `${md5},md5,a,dora`,
    `${md5},,b,nobody`,
    `${md5},sha256,c,dora`,
    `$2b$15$${"a".repeat(53)},,d,dora`,
  ];
  const file = join(folder, "md5.csv");
  writeFileSync(file, rows.join("\n"));
  const { stderr, code } = await run(["keys", "import", file, "--dry-run"], at);
  const kinds =
    "none of a kind that is taken: SHA-256 or SHA-512 in hex or base64, bcrypt of cost 4 to 14, or Argon2 of at most 1,024 MiB, 16 passes and 16 lanes; an HMAC-SHA-256 has to be named as hmac-sha256";
  const prefix = "prefix: the first 4 to 32 characters of the key";
  assert.deepEqual(stderr.trim().split("\n").slice(0, 4), [
    "line 2: algorithm: one of sha256, sha512, hmac-sha256, bcrypt, argon2",
    `line 3: hash: ${kinds}; owner: no such user`,
    "line 4: hash: 32 bytes in hex or base64",
    `line 5: hash: bcrypt of cost 4 to 14`,
  ]);
  assert.ok(!stderr.includes(prefix));
  assert.equal(code, 1);
});

test("a file that cannot be read says where, and what to do", async () => {
  const file = join(folder, "broken.csv");
  const importing = ["keys", "import", file, "--dry-run"];
  writeFileSync(file, Buffer.from("hash,name,owner\nx,caf\u00e9,dora\n", "latin1"));
  assert.match(
    await bad(1, importing, at),
    /broken\.csv: line 2 is not text in UTF-8: save the file as UTF-8 \(iconv -f WINDOWS-1252 -t UTF-8\)/,
  );
  writeFileSync(file, Buffer.from("\ufeffhash,name,owner\n", "utf16le"));
  assert.match(await bad(1, importing, at), /broken\.csv is in UTF-16: .*\(iconv -f UTF-16 -t UTF-8\)/);
  writeFileSync(file, 'hash,name,owner\naa,"one,dora\nbb,two,dora\n');
  const { stderr } = await run(importing, at);
  assert.match(stderr, /^line 2: a quotation mark that opens a cell is not closed at its end: /);
  writeFileSync(file, 'hash,name,owner\naa,"one,dora\nbb,"two",dora\ncc,",dora\n');
  const many = await run(importing, at);
  assert.match(many.stderr, /^line 2: .*not closed/);
  writeFileSync(file, `${"a".repeat(64)},one,dora\n${"b".repeat(64)},two,dora\n`);
  assert.match(
    (await run(importing, at)).stderr,
    /^line 1: the first line has to name the columns: hash, .*\n$/,
  );
  for (const [titles, problem] of [
    ["hash,name,owner,colour", /^line 1: "colour" is no column: hash, algorithm, .*\n$/],
    ["hash,name,owner,name", /^line 1: the column name is there twice\n$/],
    ["hash,name,tags,scopes", /^line 1: columns are missing: owner\n$/],
    ['hash,name,owner,"tags', /^line 1: a quotation mark that opens a cell is not closed .*\n$/],
  ] as const) {
    writeFileSync(file, `${titles}\naa,one,dora,red\nbb,two,dora,red\n`);
    assert.match((await run(importing, at)).stderr, problem);
  }
  assert.match(
    await bad(2, ["keys", "import", join(folder, "absent.csv")], at),
    /^countersign: cannot read .*absent\.csv \(ENOENT\)$/,
  );
});
