import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TestIssuer } from "countersign/testing";
import { configurationProblems } from "../src/administration/configuration-report.ts";
import { loadConfig } from "../src/config/config.ts";
import { ConfigError } from "../src/config/config-error.ts";
import { bad, good, json, run, scratchFolder } from "./program.ts";

let stub: TestIssuer;
before(async () => {
  stub = await TestIssuer.start();
});
after(() => stub.close());

const secret = "the-secret-of-an-issuer";

/** One folder for all: each test writes its own configuration. */
const folder = scratchFolder();

function folderWith(...issuers: readonly string[]): string {
  const list = issuers.map((issuer) => `    - { ${issuer} }\n`).join("");
  writeFileSync(join(folder, "secret"), `${secret}\n`);
  writeFileSync(join(folder, "countersign.yaml"), `environment: development\nauth:\n  issuers:\n${list}`);
  return folder;
}

/** What `config check` says of these issuers: the first problem, or nothing. */
async function problem(...issuers: readonly string[]): Promise<string> {
  try {
    const config = loadConfig({ file: join(folderWith(...issuers), "countersign.yaml"), env: {} });
    return (await configurationProblems(config)).join("; ");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
}

const google = "name: google, kind: id-token, issuer: https://accounts.google.com, client_id: c";
const api = "name: api, kind: access-token, issuer: https://id.example.org, audience: api";
const opaque = "name: op, kind: introspection, issuer: https://id.example.org, audience: api";
const keyed = "client_id: c, client_secret: { file: secret }";

const mistakes: readonly (readonly [issuers: readonly string[], says: RegExp])[] = [
  [[google, api, `${opaque}, ${keyed}`], /^$/],
  [[`${opaque}, authorization: { file: secret }`], /^$/],
  [
    [`${opaque}, ${keyed}`, `${opaque.replace("op,", "op2,").replace("id.", "id2.")}, ${keyed}, prefix: b_`],
    /op2: its opaque tokens look like those of "op": give each a prefix/,
  ],
  [["name: google, kind: id-token, issuer: https://a.example"], /auth\.issuers\.0\.client_id: is missing/],
  [["name: api, kind: access-token, issuer: https://a.example"], /auth\.issuers\.0\.audience: is missing/],
  [[`${google}, audience: x`], /audience: goes with kind access-token or introspection, not with id-token/],
  [[`${api}, client_secret: { file: secret }`], /client_secret: goes with kind introspection/],
  [[opaque], /client_secret: give client_id and client_secret, or authorization alone/],
  [[`${opaque}, ${keyed}, authorization: { file: secret }`], /or authorization alone/],
  [
    [`${opaque}, client_id: c, client_secret: { env: NOT_SET }`],
    /auth\.issuers\.0\.client_secret: the variable NOT_SET is not set/,
  ],
  [[`${opaque}, client_id: c, client_secret: inline`], /name where the secret is/],
  [[`${opaque}, ${keyed}, cache: 1h`], /a duration from 1s to 5m/],
  [[google.replace("google,", "jwt,")], /auth\.issuers\.0\.name: a name of our own/],
  [[google, google], /auth\.issuers\.1\.name: "google" is there twice/],
  [
    [google, google.replace("google,", "other,")],
    /auth\.issuers\.1: the tokens of https:\/\/accounts\.google\.com are taken by "google" already/,
  ],
  [
    [`${google}, issuer: http://a.example`.replace("issuer: https://accounts.google.com, ", "")],
    /google: issuer does not begin with https:/,
  ],
  [
    [google.replace("https://accounts.google.com", "https://localhost")],
    /google: issuer is on this machine, which is not allowed/,
  ],
  [[`${google}, algorithms: [HS256]`], /auth\.issuers\.0\.algorithms\.0/],
  [[`${google}, algorithm: RS256`], /algorithm/],
];

test("what is wrong with an issuer is told by name, and no secret is", async () => {
  for (const [issuers, says] of mistakes) {
    const told = await problem(...issuers);
    assert.match(told, says, issuers.join("\n"));
    assert.ok(!told.includes(secret));
  }
});

test("our own issuer is nobody else's", async () => {
  folderWith(google);
  writeFileSync(
    join(folder, "countersign.yaml"),
    `environment: development\nauth:\n  jwt: { issuer: "https://accounts.google.com" }\n  issuers:\n    - { ${google} }\n`,
  );
  const { stdout } = await run(["config", "check"], { folder });
  assert.match(stdout, /auth\.issuers\.0\.issuer: https:\/\/accounts\.google\.com is auth\.jwt\.issuer/);
});

test("the configuration in force is shown without its secrets", async () => {
  const text = await good(["config", "check"], { folder: folderWith(google, `${opaque}, ${keyed}`) });
  assert.match(text, /issuers:\n {4}- name: google\n/);
  assert.match(text, /client_secret: set\n {6}prefix: ""\n {6}cache: 30s\n/);
  assert.ok(!text.includes(secret));
});

interface Checked {
  readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
}

test("doctor says whether issuers can be reached, and whether they are who they should be", async () => {
  const local = `issuer: "${stub.url}", allow_loopback: true`;
  const gone = await TestIssuer.start();
  const { url } = gone;
  await gone.close();
  folderWith(
    `name: here, kind: id-token, client_id: c, ${local}`,
    `name: asked, kind: introspection, audience: api, ${keyed}, ${local}`,
    `name: away, kind: id-token, client_id: c, issuer: "${url}", allow_loopback: true`,
  );
  const issuers = async () => {
    const { checks } = JSON.parse((await run(["doctor", "-o", "json"], { folder })).stdout) as Checked;
    const found = checks.filter(({ name }) => name.startsWith("issuer "));
    return found.map(({ name, status, detail }) => `${name}: ${status}: ${detail}`);
  };
  assert.deepEqual(await issuers(), [
    `issuer here: ok: ${stub.url} publishes 1 usable keys`,
    `issuer asked: ok: ${stub.url} answers us`,
    `issuer away: warn: ${url}/.well-known/openid-configuration: cannot be reached (ECONNREFUSED)`,
  ]);
  stub.document = { issuer: "https://somebody-else.example" };
  const [here = ""] = await issuers();
  assert.match(here, /^issuer here: warn: .*the discovery document is of another issuer$/);
});

test("identities are linked, listed and unlinked", async () => {
  const at = { folder: scratchFolder() };
  await good(["users", "create", "dora"], at);
  const who = ["--issuer", "https://accounts.google.com", "--subject", "1101"];
  assert.equal(await good(["users", "identities", "dora"], at), "No identities.\n");
  assert.match(
    await good(["users", "link", "dora", ...who], at),
    /^1101 of https:\S+ is dora \(id 1\) from now on/,
  );
  assert.match(
    await bad(1, ["users", "link", "dora", ...who], at),
    /this identity is linked to a user.*ALREADY_EXISTS/,
  );
  assert.deepEqual(await json(["users", "identities", "dora"], at), {
    identities: [{ issuer: "https://accounts.google.com", subject: "1101", user_id: "1" }],
  });
  assert.match(await good(["users", "identities", "dora"], at), /^ISSUER +SUBJECT\nhttps:\S+ +1101\n$/);
  assert.match(await good(["users", "unlink", ...who], at), /stands for nobody from now on/);
  assert.match(await bad(1, ["users", "unlink", ...who], at), /\(NOT_FOUND\)$/);
  assert.match(await bad(2, ["users", "link", "dora"], at), /required option '--issuer <url>' not specified/);
});
