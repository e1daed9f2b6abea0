import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ids } from "./cast.ts";
import type { Client, Header, Outcome } from "./clients/client.ts";
import { curl } from "./clients/curl.ts";
import { python } from "./clients/python.ts";
import { pythonHttp } from "./clients/python-http.ts";
import { until } from "./deadline.ts";
import { http } from "./door.ts";
import { badFieldsOf, type JsonDetail } from "./error-info.ts";
import { closeServer, type OpenServer, openServer, reopenServer } from "./open-server.ts";
import type { Json } from "./protos.ts";

// API keys from the outside: made and changed by RPC, used by clients that are not ours.

let open: OpenServer;
let grpc: Client;
let json: Client;
let shell: Client;
before(async () => {
  open = await openServer({ config: "log: { level: info }" });
  await connect();
});
after(async () => {
  await Promise.all([grpc, json, shell].map((client) => client.close()));
  await closeServer(open);
});

async function connect(): Promise<void> {
  grpc = await python.connect(open.server.grpc);
  json = await pythonHttp.connect(open.server.http);
  shell = await curl.connect(open.server.http);
}

const keys = (name: string, request: Json): Promise<Json> =>
  open.administrator.call(`/auth.v1.ApiKeyService/${name}`, request);

interface Key extends Json {
  readonly id: string;
}
interface Made {
  readonly api_key: Key;
  readonly key: string;
  readonly link: string;
  readonly previous: Key;
}

let names = 0;
async function make(more: Json = {}): Promise<Made> {
  names += 1;
  return (await keys("CreateApiKey", {
    user_id: ids.alice,
    name: `key ${names}`,
    ...more,
  })) as unknown as Made;
}

const header = (key: string): Header => ["x-api-key", key];
const getUser = "/api.users.UserService/GetUser";
const updateProfile = "/api.users.UserService/UpdateProfile";
const listAllUsers = "/api.users.UserService/ListAllUsers";

const use = (client: Client, key: string, procedure = updateProfile): Promise<Outcome> =>
  client.call({ procedure, requests: [{}], headers: [header(key)], timeoutMs: 15_000 });

async function outcome(client: Client, key: string, procedure = updateProfile): Promise<string> {
  const { code, reason, message } = await use(client, key, procedure);
  return code === 0 ? "ok" : (reason ?? `${code} ${message}`);
}

describe("what is wrong with a key that is asked for", () => {
  it("is told field by field, over gRPC and in JSON", async () => {
    await make({ name: "taken" });
    const wrong: Json = {
      user_id: "999",
      name: " ",
      type: "odd",
      expires_at: "2001-01-01T00:00:00Z",
      address_ranges: ["10.0.0.1/8"],
      methods: ["nonsense"],
      limits: [{ calls: "0", per: "minute" }],
      tags: ["a b"],
    };
    const fields = "name,type,address_ranges[0],methods[0],tags[0],limits[0].calls,expires_at,user_id";
    equal(await violated(wrong), fields);
    equal(await violated({ user_id: ids.alice, name: "taken" }), "name");
    equal(await violated({ user_id: "0", name: "" }), "name,user_id");
    const { code, message } = await grpc.call({
      procedure: "/auth.v1.ApiKeyService/CreateApiKey",
      requests: [{ name: "" }],
      headers: [header(open.server.apiKey)],
    });
    // An unscoped key manages no keys: that is told before anything else.
    deepEqual([code, message], [7, "Permission 'auth.keys:write' required"]);
  });
});

/** The fields that an error of the HTTP side names. */
async function violated(body: Json): Promise<string> {
  const { code, details } = (await asAdmin("CreateApiKey", body)).json as {
    code?: string;
    details?: readonly JsonDetail[];
  };
  equal(code, "invalid_argument");
  return badFieldsOf(details).join();
}

async function asAdmin(name: string, body: Json) {
  const { password } = open.server.users.find(({ username }) => username === "admin") ?? { password: "" };
  token ??= String(
    (await http(open.server, "/auth.v1.AuthService/Login", { body: { username: "admin", password } })).json[
      "access_token"
    ],
  );
  return http(open.server, `/auth.v1.ApiKeyService/${name}`, { body, token });
}
let token: string | undefined;

describe("a key that is limited", () => {
  it("is good from its addresses only", async () => {
    const here = await make({ address_ranges: ["127.0.0.0/8", "::1"] });
    const elsewhere = await make({ address_ranges: ["10.0.0.0/8", "2001:db8::/32"] });
    for (const client of [grpc, json]) {
      // Twice: cold and warm.
      for (let times = 0; times < 2; times++) {
        equal(await outcome(client, here.key), "ok");
        const { code, reason, message } = await use(client, elsewhere.key);
        deepEqual([code, reason, message], [7, "PERMISSION_DENIED", "Permission denied"]);
      }
    }
    match(
      open.server.stderr(),
      new RegExp(`"apiKeyId":"${elsewhere.api_key.id}".*limited to other addresses`),
    );
    await keys("UpdateApiKey", { id: elsewhere.api_key.id, address_ranges: { values: [] } });
    equal(await outcome(grpc, elsewhere.key), "ok");
    // Where nobody knows who presented it, it is no key.
    const validate = (key: string) =>
      open.administrator.call("/auth.v1.AuthService/ValidateApiKey", { api_key: key, service_name: "x" });
    deepEqual([(await validate(here.key))["valid"], (await validate(elsewhere.key))["valid"]], [false, true]);
  });

  it("is good for its methods only", async () => {
    const one = await make({ methods: ["api.users.UserService/GetUser"] });
    const all = await make({ methods: ["/api.users.UserService/*"] });
    equal(await outcome(grpc, one.key, getUser), "ok");
    equal(await outcome(json, one.key, updateProfile), "PERMISSION_DENIED");
    equal(await outcome(grpc, all.key, updateProfile), "ok");
    equal(await outcome(grpc, all.key, "/auth.v1.AuthService/WhoAmI"), "PERMISSION_DENIED");
    deepEqual((one.api_key as Json)["methods"], ["/api.users.UserService/GetUser"]);
  });
});

describe("a key that is rotated", () => {
  it("works beside the new one until its grace ends, and says when it was last used and from where", async () => {
    // Where the grace ended before the call: again, with one of twice the time.
    let graceSeconds = 2;
    while (!(await worksUntilItsGraceEnds(graceSeconds))) graceSeconds *= 2;
  });

  /** False if the grace ended before a call with the old key was answered. */
  async function worksUntilItsGraceEnds(graceSeconds: number): Promise<boolean> {
    const old = await make({ tags: ["nightly"], methods: ["/api.users.UserService/*"] });
    equal(await outcome(grpc, old.key), "ok");
    await used(old.api_key.id, 1);
    const fresh = (await keys("RotateApiKey", {
      id: old.api_key.id,
      grace: { seconds: String(graceSeconds) },
    })) as unknown as Made;
    ok(fresh.api_key.id !== old.api_key.id && fresh.key !== old.key);
    const { name, tags, replaces } = fresh.api_key;
    deepEqual([name, tags, replaces], [old.api_key["name"], ["nightly"], old.api_key.id]);
    const { replaced_by: by, last_used_address: from, last_used_user_agent: agent, status } = fresh.previous;
    deepEqual([by, from, status], [fresh.api_key.id, "127.0.0.1", "active"]);
    match(String(agent), /grpc-python/);
    const during = [await outcome(grpc, old.key), await outcome(json, fresh.key)];
    const { seconds, nanos } = fresh.previous["grace_ends_at"] as { seconds: string; nanos: number };
    const graceEnd = Number(seconds) * 1000 + nanos / 1e6;
    if (during[0] !== "ok" && Date.now() >= graceEnd) return false;
    deepEqual(during, ["ok", "ok"]);
    await until(
      graceSeconds * 1000 + 3000,
      "the end of the grace",
      async () => (await outcome(json, old.key)) !== "ok",
    );
    deepEqual([await outcome(grpc, old.key), await outcome(grpc, fresh.key)], ["API_KEY_REVOKED", "ok"]);
    const { previous } = (await keys("GetApiKey", { id: fresh.api_key.id })) as unknown as Made;
    deepEqual([previous["status"], previous["revoked_reason"]], ["revoked", "rotated"]);
    return true;
  }

  it("is refused at once when its grace is ended", async () => {
    const old = await make();
    const fresh = (await keys("RotateApiKey", { id: old.api_key.id })) as unknown as Made;
    equal(await outcome(grpc, old.key), "ok");
    await keys("EndApiKeyGrace", { id: fresh.api_key.id });
    deepEqual([await outcome(grpc, old.key), await outcome(grpc, fresh.key)], ["API_KEY_REVOKED", "ok"]);
  });
});

describe("keys that are switched off", () => {
  it("are told apart, and refused from the next call on", async () => {
    const made = [await make(), await make(), await make()];
    const [first, second, third] = made.map(({ api_key: { id } }) => id);
    for (const { key } of made) equal(await outcome(grpc, key), "ok");
    await keys("DisableApiKey", { id: first });
    equal(await outcome(grpc, made[0]?.key ?? ""), "API_KEY_DISABLED");
    await keys("EnableApiKey", { id: first });
    equal(await outcome(shell, made[0]?.key ?? ""), "ok");
    const revoked = await keys("RevokeApiKeys", { ids: [second, third, "none"], reason: "test" });
    deepEqual(revoked["refused_ids"], ["none"]);
    equal((revoked["api_keys"] as Json[]).map(({ status }) => status).join(), "revoked,revoked");
    for (const index of [1, 2]) equal(await outcome(grpc, made[index]?.key ?? ""), "API_KEY_REVOKED");
    const id = await open.administrator.createUser("leaver");
    const theirs = [await make({ user_id: id }), await make({ user_id: id })];
    await keys("RevokeApiKeys", { user_id: id, reason: "left" });
    for (const { key } of theirs) equal(await outcome(json, key), "API_KEY_REVOKED");
    const { api_keys: left } = await keys("ListApiKeys", { user_id: id, status: "active" });
    deepEqual(left, []);
  });
});

describe("a link to a new key", () => {
  it("shows it once, and the database has neither of them", async () => {
    const { key, link, api_key: record } = await make({ link: true });
    equal(key, "");
    const [address = "", secret = ""] = link.split("#");
    equal(address, `http://${open.server.http}/keys/reveal`);
    const page = await http(open.server, "/keys/reveal", { method: "GET" });
    match(
      page.headers.get("content-security-policy") ?? "",
      /^default-src 'none'; script-src 'sha256-[^']+'; /,
    );
    ok(!/https?:\/\/|src=|href=/.test(page.text), "nothing from elsewhere");
    const reveal = (body: Json) => http(open.server, "/keys/reveal", { body });
    const shown = await reveal({ token: secret });
    deepEqual([shown.status, shown.json["api_key_id"]], [200, record.id]);
    equal(await outcome(grpc, String(shown.json["key"])), "ok");
    const again = await reveal({ token: secret });
    equal(again.status, 410);
    ok(Date.now() - Date.parse(String(again.json["revealed_at"])) < 60_000);
    equal((await reveal({ token: "x".repeat(43) })).status, 404);
    equal((await reveal({ token: 7 })).status, 400);
    const foreign = await http(open.server, "/keys/reveal", {
      body: JSON.stringify({ token: secret }),
      headers: { "content-type": "text/plain" },
    });
    equal(foreign.status, 415);
    const stored = everythingStored();
    for (const text of [secret, String(shown.json["key"]).split("_")[3] ?? ""]) {
      ok(!stored.includes(Buffer.from(text)), "in the database");
      ok(!open.server.stderr().includes(text), "in the log");
    }
  });
});

function everythingStored(): Buffer {
  const names = readdirSync(open.server.data).filter((name) => name.startsWith("countersign.db"));
  return Buffer.concat(names.map((name) => readFileSync(join(open.server.data, name))));
}

describe("keys that were made elsewhere", () => {
  it("are good as they are, of any shape, and are hashed anew at their first use", async () => {
    const [plain, long, secret] = ["sk_live_51H!xyz", "another-key-of-theirs~0001", "old secret"];
    const bcrypted = "legacy.7f3a.k9";
    const argoned = "argon.01.secret-of-theirs";
    const lines: Json[] = [
      { name: "by sha256", hash: createHash("sha256").update(plain).digest("hex") },
      { name: "by sha512", hash: createHash("sha512").update(long).digest("base64"), scopes: ["staff"] },
      {
        name: "by hmac",
        algorithm: "hmac-sha256",
        hash: createHmac("sha256", secret).update("hmac-key-1").digest("hex"),
      },
      { name: "by bcrypt", prefix: "legacy.7f3a", hash: await bcryptOf(bcrypted) },
      { name: "by argon2", prefix: "argon.01", hash: await argon2Of(argoned) },
      { name: "by nothing", hash: "abc" },
    ].map((line) => ({ username: "alice", ...line }));
    const request = { keys: lines, hmac_secret: Buffer.from(secret) as never };
    const dry = await keys("ImportApiKeys", { ...request, dry_run: true });
    const outcomes = ({ results }: Json) => (results as Json[]).map(({ outcome: said }) => said).join();
    equal(outcomes(dry), "imported,imported,imported,imported,imported,refused");
    equal(await outcome(grpc, plain), "API_KEY_INVALID");
    equal(
      outcomes(await keys("ImportApiKeys", request)),
      "imported,imported,imported,imported,imported,refused",
    );
    equal(outcomes(await keys("ImportApiKeys", request)), "known,known,known,known,known,refused");
    deepEqual(await keys("GetApiKeyImport", {}), { imported: "5", seen: "0" });
    for (const key of [plain, "hmac-key-1", bcrypted, argoned]) {
      for (const client of [shell, grpc]) equal(await outcome(client, key), "ok", key);
    }
    deepEqual(await keys("GetApiKeyImport", {}), { imported: "5", seen: "4" });
    for (const wrong of [`${plain}x`, `${bcrypted}x`, `${argoned}x`, "legacy.7f3b.k9", "hmac-key-2"])
      equal(await outcome(grpc, wrong), "API_KEY_INVALID", wrong);
    const { api_keys: found } = await keys("ListApiKeys", { text: "by bcrypt" });
    const [record] = found as Json[];
    equal(record?.["imported"], "countersign");
    await keys("RevokeApiKey", { id: record?.["id"] });
    equal(await outcome(grpc, bcrypted), "API_KEY_REVOKED");
  });
});

async function bcryptOf(key: string): Promise<string> {
  const { hash } = await import("@node-rs/bcrypt");
  return hash(key, { cost: 4 });
}

async function argon2Of(key: string): Promise<string> {
  const { hash } = await import("@node-rs/argon2");
  return hash(key, { memoryCost: 1024, timeCost: 1 });
}

/** Waits until so many calls are in the store. */
async function used(id: string, calls: number): Promise<void> {
  await until(5000, `${calls} calls`, async () => {
    const { api_key: record } = (await keys("GetApiKey", { id })) as unknown as Made;
    return Number(record["total_requests"]) === calls;
  });
}

async function counts(id: string): Promise<readonly [allowed: number, denied: number]> {
  const { usage } = await keys("GetApiKeyUsage", { id, period: "hour" });
  const sum = (name: string) => (usage as Json[]).reduce((total, row) => total + Number(row[name]), 0);
  return [sum("allowed"), sum("denied")];
}

describe("usage", () => {
  it("is exact for 200 calls at once from two clients, within five seconds and over a restart", async () => {
    const { key, api_key: record } = await make();
    const calls = [
      ...Array.from({ length: 120 }, () => use(grpc, key)),
      ...Array.from({ length: 60 }, () => use(json, key)),
      ...Array.from({ length: 20 }, () => use(grpc, key, listAllUsers)),
    ];
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    deepEqual(
      [codes.filter((code) => code === 0).length, codes.filter((code) => code === 7).length],
      [180, 20],
    );
    await used(record.id, 180);
    deepEqual(await counts(record.id), [180, 20]);
    // What was not flushed yet is, when the program ends.
    for (let times = 0; times < 5; times++) equal(await outcome(grpc, key), "ok");
    await Promise.all([grpc, json, shell].map((client) => client.close()));
    open = await reopenServer(open);
    await connect();
    await used(record.id, 185);
    deepEqual(await counts(record.id), [185, 20]);
  });
});
