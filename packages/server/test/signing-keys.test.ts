import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import {
  bad,
  type DevServer,
  type ErrorJson,
  good,
  json,
  run,
  scratchFolder,
  startDev,
  startServer,
  until,
} from "./program.ts";

interface KeyJson {
  readonly kid: string;
  readonly algorithm: string;
  readonly status: string;
  readonly active_from: string;
  readonly retired_at?: string;
  readonly removed_at?: string;
  readonly public_jwk: string;
}

const folder = scratchFolder();
const elsewhere = scratchFolder();
let server: DevServer;
let token = "";
before(async () => {
  server = await startDev(folder);
  token = (await good(["tokens", "mint", "--user", "admin"], { folder })).trim();
});
after(() => server.stop());

/** On the store, and at the server that runs on it. */
const targets = [
  { name: "on the store", args: [] as string[], options: () => ({ folder }) },
  {
    name: "at a server",
    get args() {
      return ["--server", server.grpc];
    },
    options: () => ({ folder: elsewhere, env: { COUNTERSIGN_TOKEN: token } }),
  },
];

async function published(): Promise<{ readonly keys: readonly { kid: string; alg: string }[] }> {
  return (await fetch(`http://${server.http}/.well-known/jwks.json`)).json() as never;
}

async function list(): Promise<readonly KeyJson[]> {
  return (await json<{ signing_keys: KeyJson[] }>(["keys", "signing", "list"], { folder })).signing_keys;
}

async function accepted(credential: string): Promise<number> {
  const response = await fetch(`http://${server.http}/auth.v1.AuthService/WhoAmI`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${credential}` },
    body: "{}",
  });
  return response.status;
}

describe("signing keys", () => {
  test("the first start makes one, signs with it, and publishes it", async () => {
    const [key, ...others] = await list();
    assert.deepEqual([key?.algorithm, key?.status, others], ["RS256", "signing", []]);
    const jwks = await published();
    assert.deepEqual(jwks.keys, [JSON.parse(key?.public_jwk ?? "{}")]);
    assert.equal(decodeProtectedHeader(token).kid, key?.kid);
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks as never));
    assert.equal(payload["username"], "admin");
    assert.equal(await accepted(token), 200);
  });

  for (const target of targets) {
    test(`are rotated, listed and retired ${target.name}, beside the server`, async () => {
      const { args } = target;
      const at = target.options();
      const before = await list();
      const made = await json<{ signing_key: KeyJson }>(
        ["keys", "signing", "rotate", "--algorithm", "EdDSA", "--now", ...args],
        at,
      );
      const { kid } = made.signing_key;
      assert.deepEqual([made.signing_key.status, made.signing_key.algorithm], ["pending", "EdDSA"]);
      await until(1500, "the key to be published", async () =>
        (await published()).keys.some((key) => key.kid === kid),
      );
      const text = await good(["keys", "signing", "list", ...args], at);
      assert.match(text, /^KID +ALGORITHM +STATUS +SIGNS FROM +SIGNS UNTIL +ACCEPTED UNTIL +CREATED\n/);
      assert.ok(text.includes(kid));
      const mint = ["tokens", "mint", "--user", "alice", ...args];
      const signsAt = Date.parse(made.signing_key.active_from);
      await until(10_000, "the key to sign", async () => Date.now() >= signsAt);
      const minted = (await good(mint, at)).trim();
      assert.equal(decodeProtectedHeader(minted).kid, kid);
      assert.equal(await accepted(minted), 200);
      // Every token of before still holds.
      assert.equal(await accepted(token), 200);
      const former = before.find(({ status }) => status === "signing")?.kid ?? "";
      const [entry] = (await list()).filter((key) => key.kid === former);
      assert.equal(entry?.status, "retired");
      assert.deepEqual(
        (await json<{ signing_key: KeyJson }>(["keys", "signing", "retire", former, ...args], at))
          .signing_key,
        entry,
      );
      const inspected = await run(["tokens", "inspect", ...args], { ...at, input: minted });
      assert.deepEqual([inspected.code, /\nGood: /.test(inspected.stdout)], [0, true]);
      const gone = (await good(["keys", "signing", "retire", kid, "--now", ...args], at)).trim();
      assert.match(gone, /^Retired the EdDSA key \S+: nothing that it signed is accepted\.$/);
      await until(1000, "what it signed to be refused", async () => (await accepted(minted)) === 401);
      const refused = await run(["tokens", "inspect", "-o", "json", ...args], { ...at, input: minted });
      assert.equal(refused.code, 1);
      assert.equal(JSON.parse(refused.stdout).good, false);
      // Another one signs in its place, at once.
      const signing = (await list()).filter(({ status }) => status === "signing");
      assert.equal(signing.length, 1);
      assert.equal(await accepted((await good(mint, at)).trim()), 200);
    });
  }

  for (const target of targets) {
    test(`are imported ${target.name}, from a file or standard input, as PEM or JWK`, async () => {
      const { args } = target;
      const at = target.options();
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const file = join(at.folder, "key.pem");
      writeFileSync(file, privateKey.export({ type: "sec1", format: "pem" }));
      const text = await good(
        ["keys", "signing", "import", file, "--kid", `mine ${target.name}`, ...args],
        at,
      );
      assert.match(
        text,
        new RegExp(`^Imported the ES256 key mine ${target.name}, which signs from 20\\d\\d-`),
      );
      const jwk = JSON.stringify(generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }));
      const command = ["keys", "signing", "import", "-", "-o", "json", ...args];
      const ran = await run(command, { ...at, input: jwk });
      assert.equal(ran.code, 0, ran.stderr);
      const { kid } = (JSON.parse(ran.stdout) as { signing_key: KeyJson }).signing_key;
      assert.match(kid, /^[\w-]{43}$/);
      assert.ok((await list()).some((key) => key.kid === kid && key.algorithm === "EdDSA"));
      const { d } = JSON.parse(jwk) as { d: string };
      assert.ok(!`${ran.stdout}${ran.stderr}${JSON.stringify(await published())}`.includes(d));
      const again = JSON.parse(await bad(1, command, { ...at, input: jwk })) as ErrorJson;
      assert.deepEqual([again.error.status, again.error.violations[0]?.field], ["ALREADY_EXISTS", "kid"]);
      assert.match(
        await bad(2, ["keys", "signing", "import", ...args], { ...at, input: "x" }),
        /key: a private key in PEM/,
      );
    });
  }

  test("what cannot be is told in one line, and never with a key", async () => {
    const pem = String(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
    const line = await bad(2, ["keys", "signing", "import", pem], { folder });
    assert.match(line, /unknown option; see countersign keys signing import --help/);
    assert.ok(!line.includes(pem.split("\n")[1] ?? "?"));
    assert.match(
      await bad(2, ["keys", "signing", "import", '{"kty":"oct"}'], { folder }),
      /a key does not come from an argument/,
    );
    assert.match(
      await bad(1, ["keys", "signing", "retire", "nope"], { folder }),
      /No such signing key \(NOT_FOUND\)/,
    );
    assert.match(
      await bad(2, ["keys", "signing", "rotate", "--algorithm", "none"], { folder }),
      /algorithm: one of HS256/,
    );
    assert.match(
      await bad(1, ["keys", "signing", "rotate", "--algorithm", "HS256"], { folder }),
      /an issuer never has shared secrets beside them: .*\(FAILED_PRECONDITION\)/,
    );
    assert.match(
      await bad(2, ["keys", "signing", "rotate", "--key", "x"], { folder }),
      /a secret does not come/,
    );
  });

  test("are not for everyone", async () => {
    const alices = (await good(["tokens", "mint", "--user", "alice"], { folder })).trim();
    for (const [args, permission] of [
      [["keys", "signing", "list"], "auth.signing_keys:read"],
      [["keys", "signing", "rotate"], "auth.signing_keys:write"],
      [["tokens", "mint", "--user", "id:1"], "auth.tokens:mint"],
    ] as const) {
      const at = { folder: elsewhere, env: { COUNTERSIGN_TOKEN: alices } };
      assert.match(
        await bad(1, [...args, "--server", server.grpc], at),
        new RegExp(`'${permission}' required`),
      );
    }
    // A superuser's key that was granted nothing.
    const key = (await good(["keys", "create", "--user", "admin", "--name", "plain"], { folder })).trim();
    const at = { folder: elsewhere, env: { COUNTERSIGN_API_KEY: key } };
    await bad(1, ["keys", "signing", "rotate", "--server", server.grpc], at);
    await bad(1, ["tokens", "mint", "--user", "id:1", "--server", server.grpc], at);
  });

  test("changes are in the audit log, with who did them", async () => {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(join(folder, ".countersign/countersign.db"), { readOnly: true });
    const rows = database.prepare("select actor, action from audit_log").all();
    database.close();
    const seen = new Set(rows.map(({ actor, action }) => `${String(actor)} ${String(action)}`));
    for (const actor of ["system", "1"]) {
      for (const action of [
        "signing_key.created",
        "signing_key.retired",
        "signing_key.removed",
        "token.minted",
      ])
        assert.ok(seen.has(`${actor} ${action}`), `${actor} ${action}`);
    }
  });

  test("are sealed: nothing in the database is a key", async () => {
    const bytes = readFileSync(join(folder, ".countersign/countersign.db"), "latin1");
    assert.doesNotMatch(bytes, /"d":|"dp":|"k":|PRIVATE KEY/);
  });
});

const secret = (): string => randomBytes(32).toString("base64");

describe("a start", () => {
  test("with another master key ends in one line that says what to do, and rotating begins anew", async () => {
    const at = scratchFolder();
    const env = (master: string) => ({ COUNTERSIGN_MASTER_KEY: master, COUNTERSIGN_API_KEY_PEPPER: pepper });
    const [pepper, first, second] = [secret(), secret(), secret()];
    await good(["users", "create", "root", "--superuser"], { folder: at, env: env(first) });
    await good(["tokens", "mint", "--user", "root"], { folder: at, env: env(first) });
    for (const command of [["serve"], ["tokens", "mint", "--user", "root"]]) {
      const line = await bad(1, command, { folder: at, env: env(second) });
      assert.match(
        line,
        /^countersign: master_key: the signing key "\S+" was sealed under another master key/,
      );
      assert.match(
        line,
        /bring back the master key, or begin anew: countersign keys signing rotate --remove-others/,
      );
    }
    const examined = await run(["doctor"], { folder: at, env: env(second) });
    assert.match(
      examined.stdout,
      /^fail {2}signing keys +the signing key \S+ was sealed under another master key/m,
    );
    await good(["keys", "signing", "rotate", "--remove-others"], { folder: at, env: env(second) });
    await good(["tokens", "mint", "--user", "root"], { folder: at, env: env(second) });
  });

  test("with a data folder of an earlier version goes on with its secret", async () => {
    const at = scratchFolder();
    const data = join(at, ".countersign");
    execFileSync("mkdir", ["-m", "700", data]);
    const secrets = {
      jwt_secret: randomBytes(64).toString("base64url"),
      pepper: secret(),
      master_key: secret(),
    };
    writeFileSync(join(data, "development-secrets.json"), JSON.stringify(secrets), { mode: 0o600 });
    const old = await startServer(["dev", "--json"], at);
    try {
      const minted = await good(["tokens", "mint", "--user", "sam"], { folder: at });
      assert.deepEqual(decodeProtectedHeader(minted), { typ: "JWT", alg: "HS256" });
      const key = Buffer.from(secrets.jwt_secret, "base64url");
      assert.equal((await jwtVerify(minted.trim(), key)).payload["username"], "sam");
      assert.deepEqual(await (await fetch(`http://${old.http}/.well-known/jwks.json`)).json(), { keys: [] });
    } finally {
      await old.stop();
    }
    const line = await bad(1, ["keys", "signing", "rotate"], { folder: at });
    assert.match(line, /Tokens are signed with a key from the configuration \(FAILED_PRECONDITION\)/);
  });

  test("with a configured private key publishes its public half", async () => {
    const at = scratchFolder();
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(join(at, "key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(
      join(at, "countersign.yaml"),
      "environment: development\nauth: { jwt: { algorithm: ES256, kid: mine, issuer: 'https://id.example.com', private_key: { file: key.pem } } }\n",
    );
    const serving = await startServer(["dev", "--json"], at);
    try {
      const response = await fetch(`http://${serving.http}/.well-known/jwks.json`);
      const jwks = (await response.json()) as JSONWebKeySet;
      const minted = (await good(["tokens", "mint", "--user", "sam"], { folder: at })).trim();
      await jwtVerify(minted, createLocalJWKSet(jwks), { issuer: "https://id.example.com" });
      assert.deepEqual(Object.keys(jwks.keys[0] ?? {}).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
      const metadata = await fetch(`http://${serving.http}/.well-known/openid-configuration`);
      assert.equal(((await metadata.json()) as { issuer: string }).issuer, "https://id.example.com");
    } finally {
      await serving.stop();
    }
  });
});
