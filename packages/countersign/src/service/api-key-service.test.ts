import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ApiKeyService } from "../gen/auth/v1/api_keys_pb.ts";
import { generateApiKey } from "../keys/key-format.ts";
import { revealKey } from "./key-link.ts";
import { keyService } from "./key-service.suite.ts";

const rpc = ApiKeyService.method;
const hour = 3_600_000;
const day = 24 * hour;

async function setup() {
  const desk = await keyService();
  const { users } = desk.store;
  const root = await desk.user((await users.create({ username: "root", isSuperuser: true })).id);
  const adaId = (await users.create({ username: "ada" })).id;
  const ada = await desk.user(adaId);
  const made = (
    await desk.call(root, rpc.createApiKey, { name: "wide", userId: BigInt(adaId), scopes: ["**"] })
  ).apiKey;
  return { ...desk, root, ada, adaId, wide: made?.id ?? "" };
}

describe("a key that manages keys", () => {
  const narrow = {
    name: "manager",
    scopes: ["auth.keys:write", "auth.keys:read", "orders:read"],
    addressRanges: ["10.0.0.0/8"],
    methods: ["/auth.v1.ApiKeyService/*"],
    limits: [{ calls: 10n, per: "minute" }],
    expiresAt: timestampFromMs(1_800_000_000_000 + day),
  };
  const passedOn = {
    scopes: ["orders:read"],
    addressRanges: ["10.1.0.0/16"],
    methods: ["/auth.v1.ApiKeyService/GetApiKey"],
    limits: [{ calls: 5n, per: "minute" }],
    expiresAt: timestampFromMs(1_800_000_000_000 + hour),
  };

  it("makes only what is limited as it is itself, in every way", async () => {
    const { call, outcome, holder, ada } = await setup();
    const { apiKey } = await call(ada, rpc.createApiKey, narrow);
    const manager = await holder(apiKey?.id ?? "");
    let count = 0;
    const attempt = (more: object) => {
      count += 1;
      return outcome(manager, rpc.createApiKey, { ...passedOn, name: `child ${count}`, ...more });
    };
    assert.equal(await attempt({}), "ok");
    const refused = "INVALID_ARGUMENT scopes";
    for (const more of [
      { scopes: [] },
      { scopes: ["orders:*"] },
      { scopes: ["orders:read", "superuser"] },
      { addressRanges: [] },
      { addressRanges: ["0.0.0.0/0"] },
      { addressRanges: ["11.0.0.0/8"] },
      { methods: [] },
      { methods: ["/auth.v1.UserService/*"] },
      { limits: [] },
      { limits: [{ calls: 11n, per: "minute" }] },
      { limits: [{ calls: 1n, per: "day" }] },
    ]) {
      assert.equal(
        await attempt(more),
        refused,
        JSON.stringify(more, (_, value) => (typeof value === "bigint" ? String(value) : value)),
      );
    }
    assert.equal(await attempt({ expiresAt: undefined }), "INVALID_ARGUMENT expires_at");
    assert.equal(
      await attempt({ expiresAt: timestampFromMs(1_800_000_000_000 + 2 * day) }),
      "INVALID_ARGUMENT expires_at",
    );
  });

  it("changes, enables and rotates nothing that may do more, and widens nothing, itself included", async () => {
    const { call, outcome, holder, ada, wide, store } = await setup();
    const id = (await call(ada, rpc.createApiKey, narrow)).apiKey?.id ?? "";
    const manager = await holder(id);
    const child = (await call(manager, rpc.createApiKey, { ...passedOn, name: "child" })).apiKey?.id ?? "";
    await store.apiKeys.setDisabled(wide, true);
    const before = await store.apiKeys.load(wide);
    for (const method of [rpc.rotateApiKey, rpc.enableApiKey, rpc.disableApiKey, rpc.updateApiKey])
      assert.equal(await outcome(manager, method, { id: wide }), "PERMISSION_DENIED", method.name);
    assert.deepEqual(await store.apiKeys.load(wide), before);
    for (const target of [id, child]) {
      const update = (more: object) => outcome(manager, rpc.updateApiKey, { id: target, ...more });
      assert.equal(await update({ scopes: { values: ["**"] } }), "INVALID_ARGUMENT scopes");
      assert.equal(await update({ scopes: { values: [] } }), "INVALID_ARGUMENT scopes");
      assert.equal(await update({ addressRanges: { values: [] } }), "INVALID_ARGUMENT scopes");
      assert.equal(await update({ methods: { values: [] } }), "INVALID_ARGUMENT scopes");
      assert.equal(await update({ limits: { values: [] } }), "INVALID_ARGUMENT scopes");
      assert.equal(await update({ neverExpires: true }), "INVALID_ARGUMENT expires_at");
      assert.equal(await update({ name: `new ${target}` }), "ok");
    }
    // Rotating itself gives it no day more, and who revokes it finds what it made.
    const { apiKey: successor } = await call(manager, rpc.rotateApiKey, { id });
    assert.equal(
      successor?.expiresAt && timestampDate(successor.expiresAt).getTime(),
      1_800_000_000_000 + day,
    );
    assert.equal(successor?.madeBy, id);
    const revoked = await call(ada, rpc.revokeApiKey, { id, withMadeKeys: true });
    assert.deepEqual([...revoked.revokedKeys].sort(), [child, successor?.id ?? ""].sort());
  });

  it("REGRESSION pocket-id #1334: without being granted that, makes none", async () => {
    const { call, outcome, holder, ada } = await setup();
    for (const [index, scopes] of [[], ["orders:read"], ["auth.keys:read"]].entries()) {
      const { apiKey } = await call(ada, rpc.createApiKey, { name: `plain ${index}`, scopes });
      const key = await holder(apiKey?.id ?? "");
      for (const method of [rpc.createApiKey, rpc.revokeApiKeys, rpc.reportLeakedApiKeys])
        assert.equal(await outcome(key, method, { name: "x" } as object), "PERMISSION_DENIED");
      for (const method of [
        rpc.updateApiKey,
        rpc.rotateApiKey,
        rpc.disableApiKey,
        rpc.enableApiKey,
        rpc.endApiKeyGrace,
        rpc.revokeApiKey,
      ])
        assert.equal(await outcome(key, method, { id: apiKey?.id ?? "" }), "NOT_FOUND", method.name);
    }
  });
});

describe("a manager of other people's keys", () => {
  it("does nothing to those of one who may do more", async () => {
    const { call, outcome, user, store, root, caughtUp } = await setup();
    const { id } = await store.users.create({ username: "boss", roles: ["key-manager"] });
    await caughtUp();
    const boss = await user(id);
    const { apiKey } = await call(root, rpc.createApiKey, { name: "root's", scopes: ["a:b"] });
    const target = apiKey?.id ?? "";
    const before = await store.apiKeys.load(target);
    for (const method of [
      rpc.rotateApiKey,
      rpc.updateApiKey,
      rpc.enableApiKey,
      rpc.disableApiKey,
      rpc.revokeApiKey,
    ])
      assert.equal(await outcome(boss, method, { id: target }), "PERMISSION_DENIED", method.name);
    assert.deepEqual((await call(boss, rpc.revokeApiKeys, { ids: [target] })).refusedIds, [target]);
    const line = { name: "x", username: "root", hash: "00".repeat(32) };
    const { results } = await call(boss, rpc.importApiKeys, { keys: [line] });
    assert.deepEqual(
      [results[0]?.outcome, results[0]?.problem],
      ["refused", "That account may do more than you may"],
    );
    assert.deepEqual(await store.apiKeys.load(target), before);
  });

  it("shows how often its keys were used on the last days, and from where", async () => {
    const { call, outcome, ada, wide, store } = await setup();
    const today = Math.floor(1_800_000_000_000 / day) * day;
    const used = (at: number, allowed: number) => ({ startsAt: new Date(at), allowed, denied: 1 });
    const hours = [used(today - 3 * day, 9), used(today - 2 * day, 4), used(today, 2)];
    const lastUsedAt = new Date(today);
    await store.apiKeys.addUsage([{ id: wide, calls: 15, lastUsedAt, hours, networks: ["10.0.0.1"] }]);
    await call(ada, rpc.createApiKey, { name: "unused" });
    const { apiKeys, trends } = await call(ada, rpc.listApiKeys, { usageDays: 3 });
    assert.deepEqual(apiKeys.map(({ name }, at) => [name, trends[at]?.allowed]).sort(), [
      ["unused", [0n, 0n, 0n]],
      ["wide", [4n, 0n, 2n]],
    ]);
    assert.deepEqual((await call(ada, rpc.listApiKeys, {})).trends, []);
    for (const usageDays of [-1, 32])
      assert.equal(await outcome(ada, rpc.listApiKeys, { usageDays }), "INVALID_ARGUMENT usage_days");
    const { networks } = await call(ada, rpc.getApiKey, { id: wide });
    assert.deepEqual(
      networks.map(({ network, lastUsedAt: at }) => [network, at && timestampDate(at)]),
      [["10.0.0.1", lastUsedAt]],
    );
  });

  it("lists its own keys by their ids, and nobody else's", async () => {
    const { call, outcome, root, ada, wide } = await setup();
    const others = (await call(root, rpc.createApiKey, { name: "root's" })).apiKey?.id ?? "";
    const listed = async (caller: typeof ada, ids: string[]) =>
      (await call(caller, rpc.listApiKeys, { ids })).apiKeys.map(({ name }) => name).sort();
    const ids = [wide, others, "gone"];
    assert.deepEqual(await listed(ada, ids), ["wide"]);
    assert.deepEqual(await listed(root, ids), ["root's", "wide"]);
    assert.deepEqual(await listed(ada, [others]), []);
    const first = await call(root, rpc.listApiKeys, { ids, pageSize: 1 });
    const { nextPageToken: pageToken } = first;
    const second = await call(root, rpc.listApiKeys, { ids, pageSize: 1, pageToken });
    const both = [...first.apiKeys, ...second.apiKeys].map(({ name }) => name);
    assert.deepEqual([both.sort(), second.nextPageToken], [["root's", "wide"], ""]);
    const many = (length: number) => Array.from({ length }, (_, n) => `k${n}`);
    assert.equal(await outcome(ada, rpc.listApiKeys, { ids: many(1000) }), "ok");
    assert.equal(await outcome(ada, rpc.listApiKeys, { ids: many(1001) }), "INVALID_ARGUMENT ids");
  });

  it("lists its keys in each order, and takes no page token of another", async () => {
    const { call, outcome, ada, wide, store } = await setup();
    await call(ada, rpc.createApiKey, { name: "Zeta", expiresAt: timestampFromMs(1_800_000_000_000 + day) });
    await call(ada, rpc.createApiKey, { name: "alpha" });
    await store.apiKeys.addUsage([{ id: wide, calls: 2, lastUsedAt: new Date(1_800_000_000_000) }]);
    for (const [sort, first, last] of [
      ["name", "alpha", "Zeta"],
      ["-name", "Zeta", "alpha"],
      ["-last_used_at", "wide", ""],
      ["last_used_at", "", "wide"],
      ["expires_at", "Zeta", ""],
      ["-total_requests", "wide", ""],
    ] as const) {
      const names: string[] = [];
      let pageToken = "";
      do {
        const page = await call(ada, rpc.listApiKeys, { sort, pageSize: 1, pageToken });
        names.push(...page.apiKeys.map(({ name }) => name));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      assert.deepEqual([...names].sort(), ["Zeta", "alpha", "wide"], sort);
      if (first !== "") assert.equal(names[0], first, sort);
      if (last !== "") assert.equal(names.at(-1), last, sort);
    }
    const { nextPageToken: pageToken } = await call(ada, rpc.listApiKeys, { sort: "name", pageSize: 1 });
    for (const sort of ["", "-name", "created_at"])
      assert.equal(
        await outcome(ada, rpc.listApiKeys, { sort, pageToken }),
        "INVALID_ARGUMENT page_token",
        sort,
      );
    for (const sort of ["names", "--name", "-", "digest", "constructor"])
      assert.equal(await outcome(ada, rpc.listApiKeys, { sort }), "INVALID_ARGUMENT sort", sort);
  });

  it("is nobody without the permission: other people's keys are not there", async () => {
    const { call, outcome, ada, root, adaId, user, store } = await setup();
    const { apiKey } = await call(root, rpc.createApiKey, { name: "root's" });
    const id = apiKey?.id ?? "";
    for (const method of [
      rpc.getApiKey,
      rpc.updateApiKey,
      rpc.rotateApiKey,
      rpc.disableApiKey,
      rpc.getApiKeyUsage,
      rpc.revokeApiKey,
    ])
      assert.equal(await outcome(ada, method, { id }), "NOT_FOUND", method.name);
    assert.equal(await outcome(ada, rpc.listApiKeyFindings, { userId: 1n }), "PERMISSION_DENIED");
    assert.equal(await outcome(ada, rpc.revokeApiKeys, { userId: 1n }), "PERMISSION_DENIED");
    // Owner and rights come from who calls, not from what they write.
    const eve = await user((await store.users.create({ username: "eve" })).id);
    assert.equal(
      await outcome(eve, rpc.createApiKey, { name: "x", userId: BigInt(adaId) }),
      "PERMISSION_DENIED",
    );
  });
});

describe("the life of a key", () => {
  it("says of a revoked key that it stays revoked", async () => {
    const { call, outcome, ada } = await setup();
    const id = (await call(ada, rpc.createApiKey, { name: "gone" })).apiKey?.id ?? "";
    assert.equal(await outcome(ada, rpc.enableApiKey, { id }), "ok");
    await call(ada, rpc.revokeApiKey, { id, reason: "lost" });
    for (const method of [rpc.enableApiKey, rpc.disableApiKey])
      assert.equal(await outcome(ada, method, { id }), "FAILED_PRECONDITION id");
  });

  it("takes no name with what nobody sees, and lists by no type that there is none of", async () => {
    const { outcome, ada } = await setup();
    for (const name of ["a\u200bb", " a", "a ", "a\nb", "a\u001bb", "a\u202eb", "\ufeff"])
      assert.equal(await outcome(ada, rpc.createApiKey, { name }), "INVALID_ARGUMENT name", name);
    assert.equal(await outcome(ada, rpc.createApiKey, { name: "café № 1 ✓" }), "ok");
    assert.equal(await outcome(ada, rpc.listApiKeys, { type: "foo" }), "INVALID_ARGUMENT type");
    assert.equal(await outcome(ada, rpc.listApiKeys, { type: "webhook" }), "ok");
  });

  it("is rotated for as long as it was made for, and a grace is never longer than it would have lived", async () => {
    const { call, outcome, ada, clock } = await setup();
    const expiresAt = timestampFromMs(clock.ms + 10 * day);
    const id = (await call(ada, rpc.createApiKey, { name: "ci", expiresAt })).apiKey?.id ?? "";
    clock.ms += 9.5 * day;
    const { apiKey, previous, key } = await call(ada, rpc.rotateApiKey, { id });
    assert.match(key, /^cs_dev_/);
    const at = (timestamp: typeof expiresAt | undefined) => timestamp && timestampDate(timestamp).getTime();
    assert.equal(at(apiKey?.expiresAt), clock.ms + 10 * day);
    assert.equal(at(previous?.graceEndsAt), clock.ms + 0.5 * day);
    assert.deepEqual([previous?.status, previous?.replacedBy, apiKey?.replaces], ["active", apiKey?.id, id]);
    assert.equal(await outcome(ada, rpc.rotateApiKey, { id }), "FAILED_PRECONDITION id");
    assert.equal(
      await outcome(ada, rpc.updateApiKey, { id, neverExpires: true }),
      "FAILED_PRECONDITION expires_at",
    );
    clock.ms += 0.5 * day;
    const shown = (await call(ada, rpc.getApiKey, { id })).apiKey;
    assert.deepEqual(
      [shown?.status, shown?.revokedReason, at(shown?.revokedAt)],
      ["revoked", "rotated", clock.ms],
    );
    assert.equal((await call(ada, rpc.getApiKey, { id: apiKey?.id ?? "" })).previous?.id, id);
    for (const grace of [{ seconds: -1n }, { seconds: BigInt(91 * 86_400) }])
      assert.equal(
        await outcome(ada, rpc.rotateApiKey, { id: apiKey?.id ?? "", grace }),
        "INVALID_ARGUMENT grace",
      );
    clock.ms += 10 * day;
    assert.equal(await outcome(ada, rpc.rotateApiKey, { id: apiKey?.id ?? "" }), "FAILED_PRECONDITION id");
  });

  it("begins with a link that shows it once", async () => {
    const { call, ada, store } = await setup();
    const { key, link, apiKey } = await call(ada, rpc.createApiKey, { name: "ci", link: true });
    assert.equal(key, "");
    const [, token = ""] = /^https:\/\/auth\.example\.com\/keys\/reveal#([\w-]{43})$/.exec(link) ?? [];
    const revealed = await revealKey(store.apiKeys, token, undefined);
    assert.ok(revealed.kind === "revealed" && revealed.apiKeyId === apiKey?.id);
    assert.match(revealed.key, new RegExp(`^${apiKey?.prefix}_[0-9A-Za-z]{49}$`));
    assert.equal((await revealKey(store.apiKeys, token, undefined)).kind, "gone");
    for (const wrong of ["", "x", token.slice(1), `${token}a`, "é".repeat(43)])
      assert.equal((await revealKey(store.apiKeys, wrong, undefined)).kind, "unknown");
  });
});

describe("keys that were found", () => {
  it("are told by their secret: a text that only looks like one revokes nothing", async () => {
    const { call, ada, root, store } = await setup();
    const { key, apiKey } = await call(ada, rpc.createApiKey, { name: "ci" });
    const id = apiKey?.id ?? "";
    // Whoever knows the public id can write such a text, checksum and all.
    const planted = generateApiKey("dev");
    const record = await store.apiKeys.load(id);
    await store.apiKeys.create({
      ...(record ?? assert.fail()),
      id: planted.id,
      name: "planted",
      expiresAt: undefined,
    });
    const report = (keys: string[], revoke: boolean) =>
      call(ada, rpc.reportLeakedApiKeys, { keys, revoke, reason: "git" });
    const other = (await call(root, rpc.createApiKey, { name: "root's" })).key;
    const texts = [key, planted.key, `${key}x`, other];
    const verdicts = (await report(texts, false)).keys.map(({ verdict, revoked }) => `${verdict} ${revoked}`);
    assert.deepEqual(verdicts, ["real false", "unknown false", "not_a_key false", "real false"]);
    const { keys } = await report(texts, true);
    assert.deepEqual(
      keys.map(({ revoked }) => revoked),
      [true, false, false, false],
    );
    const [status, why] = [
      (await store.apiKeys.load(id))?.revokedAt,
      (await store.apiKeys.load(id))?.revokedReason,
    ];
    assert.ok(status !== undefined && why === "git");
    assert.equal((await store.apiKeys.load(planted.id))?.revokedAt, undefined);
    assert.equal(keys[3]?.apiKey, undefined, "of others nothing is told");
  });
});

describe("findings", () => {
  it("name what is untidy, and nothing of what is in order", async () => {
    const { call, ada, clock, store, wide } = await setup();
    await call(ada, rpc.revokeApiKey, { id: wide });
    const make = async (name: string, more: object = {}): Promise<string> =>
      (await call(ada, rpc.createApiKey, { name, expiresAt: timestampFromMs(clock.ms + 400 * day), ...more }))
        .apiKey?.id ?? "";
    const used = (id: string, more: object = {}) =>
      store.apiKeys.addUsage([{ id, calls: 1, lastUsedAt: new Date(clock.ms), ...more }]);
    const [idle, endless, shared, broad] = [
      await make("idle"),
      await make("endless", { expiresAt: undefined }),
      await make("shared"),
      await make("broad", { scopes: ["orders:read", "orders:write", "!orders:delete", "staff"] }),
    ];
    const ended = await make("ended", { expiresAt: timestampFromMs(clock.ms + day) });
    const old = await make("rotated");
    const gone = await make("gone", { expiresAt: undefined });
    await call(ada, rpc.revokeApiKey, { id: gone });
    clock.ms += 100 * day;
    await used(endless);
    await used(shared, { networks: Array.from({ length: 12 }, (_, index) => `192.0.2.${index}`) });
    await used(broad, { scopes: ["orders:read"] });
    await call(ada, rpc.rotateApiKey, { id: old });
    clock.ms += 1000;
    await used(old);
    const { findings } = await call(ada, rpc.listApiKeyFindings, {});
    const seen = findings.map(({ kind, apiKey, scopes }) => [apiKey?.id, kind, ...scopes].join(" "));
    assert.deepEqual(
      [...seen].sort(),
      [
        `${idle} unused`,
        `${endless} no_expiry`,
        `${shared} many_addresses`,
        `${broad} unused_scopes orders:write`,
        `${ended} expired`,
        `${old} used_in_grace`,
      ].sort(),
    );
    const pages: string[] = [];
    let pageToken = "";
    do {
      const page = await call(ada, rpc.listApiKeyFindings, { pageSize: 2, pageToken });
      pages.push(...page.findings.map(({ kind, apiKey, scopes }) => [apiKey?.id, kind, ...scopes].join(" ")));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(pages, seen);
  });
});
