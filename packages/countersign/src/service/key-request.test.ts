import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CallError } from "../core/call-error.ts";
import { ApiKeyService } from "../gen/auth/v1/api_keys_pb.ts";
import { keyService } from "./key-service.suite.ts";

const rpc = ApiKeyService.method;

async function setup() {
  const desk = await keyService();
  const root = await desk.user((await desk.store.users.create({ username: "root", isSuperuser: true })).id);
  const { id } = (await desk.call(root, rpc.createApiKey, { name: "other" })).apiKey ?? assert.fail();
  return { ...desk, root, id };
}

/** The fields that a call's refusal names, each with its description. */
async function violationsOf(attempt: Promise<unknown>): Promise<readonly string[]> {
  try {
    await attempt;
    return [];
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return error.violations.map(({ field, description }) => `${field}: ${description}`);
  }
}

const calls = "a number from 1 to 1,000,000,000,000";
const per = "one of second, minute, hour, day, month";

describe("a request about a key", () => {
  it("is told everything that is wrong with it, each by its place", async () => {
    const { call, root, id } = await setup();
    const limits = [
      { calls: 0n, per: "minute" },
      { calls: 1n, per: "year" },
      { calls: 0n, per: "week" },
      { calls: 1n, per: "minute" },
      { calls: 1n, per: "day" },
    ];
    const expected = [
      `limits[0].calls: ${calls}`,
      `limits[1].per: ${per}`,
      `limits[2].per: ${per}`,
      `limits[2].calls: ${calls}`,
      "limits[3].per: one for each period",
    ];
    assert.deepEqual(await violationsOf(call(root, rpc.createApiKey, { name: "x", limits })), expected);
    assert.deepEqual(
      await violationsOf(call(root, rpc.updateApiKey, { id, limits: { values: limits } })),
      expected,
    );
    const more = {
      ...{ name: "x", methods: ["a.B/C", "a b", "?"], tags: ["ci", "c i"], roles: ["a b"] },
      ...{ addressRanges: ["10.0.0.1/8", "10.0.0.0/8", "nowhere"], scopes: ["a*", "a:b", "b*"] },
    };
    const fields = (await violationsOf(call(root, rpc.createApiKey, more))).map(
      (text) => text.split(":", 1)[0],
    );
    assert.deepEqual(fields, [
      ...["scopes[0]", "scopes[2]", "roles[0]", "address_ranges[0]", "address_ranges[2]"],
      ...["methods[1]", "methods[2]", "tags[1]"],
    ]);
  });

  it("is told of a few in a list of many: an answer has little room", async () => {
    const { call, root } = await setup();
    const told = await violationsOf(
      call(root, rpc.createApiKey, { name: "x", scopes: Array.from({ length: 100 }, () => "a*") }),
    );
    assert.equal(told.length, 10);
  });

  it("takes names in NFC: what looks alike is one name, however it was written", async () => {
    const { call, outcome, root, id } = await setup();
    const [composed, apart] = ["caf\u00e9", "cafe\u0301"];
    assert.equal((await call(root, rpc.createApiKey, { name: apart })).apiKey?.name, composed);
    for (const name of [composed, apart]) {
      assert.equal(await outcome(root, rpc.createApiKey, { name }), "INVALID_ARGUMENT name");
      assert.equal(await outcome(root, rpc.updateApiKey, { id, name }), "INVALID_ARGUMENT name");
      assert.equal((await call(root, rpc.listApiKeys, { text: name })).apiKeys.length, 1);
      for (const dryRun of [true, false]) {
        const hash = "a".repeat(64);
        const { results } = await call(root, rpc.importApiKeys, {
          dryRun,
          keys: [{ hash, name, username: "root" }],
        });
        assert.equal(results[0]?.problem, "name: another key of this user has this name");
      }
    }
    const { results } = await call(root, rpc.importApiKeys, {
      dryRun: true,
      keys: [`u\u0308ber`, "\u00fcber"].map((name, n) => ({
        ...{ hash: `${n}`.repeat(64), name, username: "root" },
      })),
    });
    assert.deepEqual(
      results.map(({ outcome: became }) => became),
      ["imported", "refused"],
    );
    // Fifty letters with fifty accents are fifty characters; the other way round a letter can become two.
    assert.equal(await outcome(root, rpc.createApiKey, { name: "e\u0301".repeat(60) }), "ok");
    assert.equal(
      await outcome(root, rpc.createApiKey, { name: "\u0958".repeat(60) }),
      "INVALID_ARGUMENT name",
    );
  });
});

describe("a request for a list", () => {
  it("is told everything that is wrong with it", async () => {
    const { call, root } = await setup();
    const wrong = { pageSize: -1, sort: "age", status: "odd", type: "odd" };
    const told = await violationsOf(call(root, rpc.listApiKeys, wrong));
    assert.deepEqual(
      told.map((text) => text.split(":", 1)[0]),
      ["page_size", "sort", "status", "type"],
    );
  });
});
