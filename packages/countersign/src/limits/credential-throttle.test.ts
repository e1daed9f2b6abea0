import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { apiKey } from "../authenticator/api-key.ts";
import { jwt } from "../authenticator/jwt.ts";
import { staticApiKey } from "../authenticator/static-api-key.ts";
import { createAuth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { admitted, atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing } from "../jwt/key-ring.ts";
import { createJwtForUser } from "../jwt/signer.ts";
import { createKeyDigests } from "../keys/key-digest.ts";
import { generateApiKey } from "../keys/key-format.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { createCredentialThrottle } from "./credential-throttle.ts";

const pepper = { id: "p1", secret: new Uint8Array(32).fill(7) };
const account = {
  id: "7",
  username: "ada",
  email: undefined,
  isActive: true,
  isStaff: false,
  isSuperuser: false,
  roles: [],
  permissions: [],
};

function setup() {
  const clock = { ms: 0 };
  const signing = hmacKey({ secret: new Uint8Array(32).fill(1), algorithm: "HS256" });
  const digests = createKeyDigests([pepper]);
  const records = new Map<string, ApiKeyRecord>();
  const reads = { keys: 0, verifications: 0 };
  const newKey = (more: Partial<ApiKeyRecord> = {}): string => {
    const fresh = generateApiKey("test");
    const unlimited = { scopes: [], roles: [], addressRanges: [], methods: [], callLimits: [] };
    const record = { id: fresh.id, name: "k", type: "service", userId: "7", ...unlimited };
    records.set(fresh.id, { ...record, ...digests.digest(fresh.body), ...more } as unknown as ApiKeyRecord);
    return fresh.key;
  };
  const revocations = createRevocations();
  const auth = createAuth<Principal>({
    authenticators: [
      apiKey({
        keys: {
          load: (id) => {
            reads.keys += 1;
            return records.get(id);
          },
        },
        users: { load: () => account },
        peppers: [pepper],
      }),
      staticApiKey({ keys: [{ name: "job", key: "a-static-key-0123456789" }] }),
      jwt({
        keys: () => {
          reads.verifications += 1;
          return createKeyRing([signing]);
        },
        users: { load: () => account },
      }),
    ],
    policy: [policyFor<Principal>().rules({ say: { path: "/a.Echo/Say" } }, { say: "authenticated" })],
    revocations,
    throttle: createCredentialThrottle({ perNetwork: 20, perKey: 5, elapsed: () => clock.ms }),
  });
  const call = (header: string, value: string, address: string): Call => ({
    ...fakeCall("/a.Echo/Say", { [header]: value }),
    peer: { address },
  });
  const key = (value: string, address = "198.51.100.1:9") =>
    reasonOf(atOnce(auth.decide(call("x-api-key", value, address))));
  const token = (value: string, address = "198.51.100.1:9") =>
    reasonOf(atOnce(auth.decide(call("authorization", `Bearer ${value}`, address))));
  const newToken = (): string => createJwtForUser(account, { key: signing, expiresIn: 600 });
  const forged = (): string => `${newToken().slice(0, -6)}AAAAAA`;
  return { auth, call, clock, reads, records, revocations, newKey, newToken, forged, key, token };
}

describe("bad credentials", () => {
  it("cost nothing from where too many of them came, whatever they are", () => {
    const { forged, newToken, token, key, reads, newKey } = setup();
    const reasons = Array.from({ length: 30 }, (_, n) =>
      n % 2 === 0 ? token(forged()) : key(wrongOf(newKey())),
    );
    assert.deepEqual(new Set(reasons.slice(0, 20)), new Set(["TOKEN_INVALID", "API_KEY_INVALID"]));
    assert.deepEqual(new Set(reasons.slice(20)), new Set(["RATE_LIMITED"]));
    const before = { ...reads };
    for (let n = 0; n < 50; n += 1) {
      // Other addresses of the same network, too.
      assert.equal(token(forged(), `198.51.100.${n}:1`), "RATE_LIMITED");
      assert.equal(key(newKey(), `198.51.100.${n}:1`), "RATE_LIMITED", "one that nobody knows to be good");
    }
    assert.deepEqual(reads, before);
    assert.equal(key("no-key-at-all"), "RATE_LIMITED");
    // Next door.
    assert.equal(token(newToken(), "198.51.101.1:9"), "ok");
  });

  it("say when to come again, and it is enough", () => {
    const { auth, call, forged, newToken, token, clock } = setup();
    for (let n = 0; n < 20; n += 1) {
      assert.equal(token(forged()), "TOKEN_INVALID");
      clock.ms += 100;
    }
    const refused = atOnce(auth.decide(call("authorization", `Bearer ${forged()}`, "198.51.100.1:9")));
    assert.ok(!refused.ok);
    const { retryAfterSeconds = 0 } = refused.denial;
    assert.equal(retryAfterSeconds, 58);
    clock.ms += retryAfterSeconds * 1000 - 1;
    assert.equal(token(newToken()), "RATE_LIMITED");
    clock.ms += 1;
    assert.equal(token(newToken()), "ok");
  });

  it("lock out neither who is known there already nor anybody elsewhere", () => {
    const { forged, token, key, newKey, newToken, revocations } = setup();
    const [warmToken, warmKey] = [newToken(), newKey()];
    assert.deepEqual([token(warmToken), key(warmKey), key("a-static-key-0123456789")], ["ok", "ok", "ok"]);
    for (let n = 0; n < 40; n += 1) token(forged());
    assert.deepEqual([token(warmToken), key(warmKey), key("a-static-key-0123456789")], ["ok", "ok", "ok"]);
    // Also when what is remembered has to be read again.
    revocations.apply({ kind: "user", userId: "7", state: "changed" });
    assert.deepEqual([token(warmToken), key(warmKey)], ["ok", "ok"]);
    assert.equal(token(newToken()), "RATE_LIMITED");
    for (const address of ["203.0.113.1:1", "[2001:db8::1]:1", "127.0.0.1:1"])
      assert.equal(token(newToken(), address), "ok");
  });

  it("with a key's id are counted for the key and the network, and for nobody else", () => {
    const { key, newKey, reads } = setup();
    const good = newKey();
    const reasons = Array.from({ length: 8 }, () => key(wrongOf(good)));
    assert.deepEqual(reasons, [...Array(5).fill("API_KEY_INVALID"), ...Array(3).fill("RATE_LIMITED")]);
    const before = reads.keys;
    assert.equal(key(good), "RATE_LIMITED", "nobody knows that it is the holder");
    assert.equal(reads.keys, before);
    assert.equal(key(good, "203.0.113.1:1"), "ok", "the holder, elsewhere");
    assert.equal(key(newKey()), "ok", "another key, there");
  });

  it("that were good once are told why, and are no guesses", () => {
    const { key, newKey, token, newToken, reads } = setup();
    const revoked = newKey({ revokedAt: new Date(0) });
    const reasons = Array.from({ length: 8 }, () => key(revoked));
    assert.deepEqual(reasons, [...Array(5).fill("API_KEY_REVOKED"), ...Array(3).fill("RATE_LIMITED")]);
    assert.equal(reads.keys, 5);
    for (let n = 0; n < 30; n += 1) key(newKey({ disabledAt: new Date(0) }));
    assert.equal(token(newToken()), "ok", "the network is not at its limit");
  });

  it("of shared addresses are not counted", () => {
    const { token, forged, newToken } = setup();
    for (let n = 0; n < 100; n += 1) assert.equal(token(forged(), "127.0.0.1:1"), "TOKEN_INVALID");
    assert.equal(token(newToken(), "127.0.0.1:1"), "ok");
  });

  it("of others end no stream that is open", async () => {
    const { auth, call, forged, newToken, token, revocations } = setup();
    const stream = call("authorization", `Bearer ${newToken()}`, "198.51.100.1:9");
    const ended: string[] = [];
    const stop = auth.watch(stream, admitted(atOnce(auth.decide(stream))), ({ reason }) =>
      ended.push(reason),
    );
    for (let n = 0; n < 40; n += 1) token(forged());
    // What is cached must be read again, or is forgotten altogether.
    revocations.flush();
    await new Promise((resolve) => setTimeout(resolve, 70));
    assert.deepEqual(ended, []);
    stop();
  });

  it("can be left uncounted", () => {
    assert.throws(() => createCredentialThrottle({ perNetwork: -1 }), TypeError);
    assert.throws(() => createCredentialThrottle({ perKey: 0.5 }), TypeError);
    const throttle = createCredentialThrottle({ perNetwork: 0, perKey: 0 });
    const call = fakeCall("/a.Echo/Say");
    const denied = { ok: false, denial: { reason: "TOKEN_INVALID", message: "", challenges: [] } } as const;
    for (let n = 0; n < 1000; n += 1) assert.equal(throttle.refused(call, denied), denied);
    assert.equal(throttle.refusalBefore(call, "k1"), undefined);
  });
});

/** Another secret with the same id, and a checksum that is right. */
function wrongOf(key: string): string {
  const [name, environment, id] = key.split("_");
  const secret = generateApiKey("test").key.split("_")[3]?.slice(0, -6);
  const body = `${name}_${environment}_${id}_${secret}`;
  let checksum = "";
  for (let rest = crc32(body), n = 0; n < 6; n += 1, rest = Math.floor(rest / 62)) {
    checksum = base62.charAt(rest % 62) + checksum;
  }
  return body + checksum;
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
