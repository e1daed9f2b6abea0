import assert from "node:assert/strict";
import cluster from "node:cluster";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { jwt } from "../authenticator/jwt.ts";
import { createAuth } from "../core/auth.ts";
import { fakeCall } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing } from "../jwt/key-ring.ts";
import { createJwtForUser } from "../jwt/signer.ts";
import { createMemoryStore } from "./memory.ts";
import { openSqliteStore } from "./sqlite.ts";
import { temporaryFolder } from "./suite/temporary-folder.suite.ts";
import { memoryRevocations, sqlRevocations, type TokenRevocations } from "./token-revocations.ts";

const key = hmacKey({ secret: "a secret of at least 32 bytes, for tests", algorithm: "HS256" });
const user = { id: "7", username: "ada", email: undefined, isStaff: false, isSuperuser: false, roles: [] };

/** An application with a logout. */
function application(revocations: TokenRevocations) {
  const auth = createAuth<Principal>({
    authenticators: [jwt({ keys: createKeyRing([key]), requiredClaims: ["exp", "jti"] })],
    policy: [policyFor<Principal>().routes({ "POST /logout": "authenticated" })],
    revocations,
  });
  const decide = async (token: string) =>
    auth.decide(fakeCall("POST /logout", { authorization: `Bearer ${token}` }));
  return {
    reason: async (token: string) => {
      const decision = await decide(token);
      return decision.ok ? "ok" : decision.denial.reason;
    },
    async logOut(token: string) {
      const decision = await decide(token);
      assert.ok(decision.ok);
      await revocations.revokeToken(decision.principal?.claims ?? {});
    },
  };
}

const kinds: Readonly<Record<string, () => Promise<TokenRevocations>>> = {
  memoryRevocations: async () => memoryRevocations(),
  "sqlRevocations over a store in memory": () => sqlRevocations({ log: createMemoryStore().revocations }),
};

for (const [name, open] of Object.entries(kinds)) {
  describe(name, () => {
    it("a token that was logged out is dead, and no other", async () => {
      const revocations = await open();
      const { reason, logOut } = application(revocations);
      const [token, other] = [createJwtForUser(user, { key }), createJwtForUser(user, { key })];
      assert.deepEqual([await reason(token), await reason(other)], ["ok", "ok"]);
      await logOut(token);
      assert.deepEqual([await reason(token), await reason(other)], ["TOKEN_REVOKED", "ok"]);
      const named = createJwtForUser(user, { key, issuer: "https://id.example" });
      await logOut(named);
      assert.equal(await reason(named), "TOKEN_REVOKED");
      await revocations.revokeUser(user.id, new Date(Date.now() + 3_600_000));
      assert.equal(await reason(other), "TOKEN_REVOKED");
      assert.equal(await reason(createJwtForUser({ ...user, id: "8" }, { key })), "ok");
      await revocations.close();
    });

    it("a token that could not be told from others is not revoked by itself", async () => {
      const revocations = await open();
      for (const claims of [
        {},
        { jti: "a" },
        { exp: 1 },
        { jti: "", exp: 1 },
        { jti: 7, exp: 1 },
        { jti: "a", exp: "1" },
      ]) {
        await assert.rejects(revocations.revokeToken(claims), TypeError);
      }
      await revocations.close();
    });
  });
}

it("sqlRevocations: every process that opens the store knows, also one that starts later", async (context) => {
  const path = temporaryFolder(context)("store.db");
  const stores = [await openSqliteStore({ path }), await openSqliteStore({ path })];
  const open = (index: number) => {
    const log = stores[index]?.revocations;
    assert.ok(log);
    return sqlRevocations({ log, pollEveryMs: 10 });
  };
  const [first, second] = [await open(0), await open(1)];
  const [here, there] = [application(first), application(second)];
  const token = createJwtForUser(user, { key });
  assert.deepEqual([await here.reason(token), await there.reason(token)], ["ok", "ok"]);
  const heard = new Promise<void>((resolve) => second.onChange(resolve));
  await here.logOut(token);
  assert.equal(await here.reason(token), "TOKEN_REVOKED");
  await heard;
  assert.equal(await there.reason(token), "TOKEN_REVOKED");
  await first.close();
  const third = await open(0);
  assert.equal(await application(third).reason(token), "TOKEN_REVOKED");
  for (const revocations of [second, third]) await revocations.close();
  for (const store of stores) await store.close();
});

describe("memoryRevocations", () => {
  it("warn once where several processes share a configuration, and say what to do", async () => {
    const told: string[] = [];
    const onWarning = (message: string): void => void told.push(message);
    await memoryRevocations({ onWarning }).close();
    assert.deepEqual(told, []);
    await memoryRevocations({ onWarning, processes: 4 }).close();
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /use sqlRevocations\(\)/);
    const warned = once(process, "warning");
    await memoryRevocations({ processes: 2 }).close();
    assert.equal(((await warned)[0] as { code: string }).code, "COUNTERSIGN_REVOCATIONS_NOT_SHARED");
    assert.throws(() => memoryRevocations({ processes: 0 }), TypeError);
  });

  it("know that a worker of node:cluster is not alone", { timeout: 20_000 }, async (context) => {
    const exec = temporaryFolder(context)("worker.mjs");
    const file = new URL("token-revocations.ts", import.meta.url).href;
    writeFileSync(
      exec,
      `import { memoryRevocations } from ${JSON.stringify(file)};
      memoryRevocations({ onWarning: (message) => process.send(message) });`,
    );
    cluster.setupPrimary({ exec, execArgv: ["--conditions=countersign-source"] });
    const worker = cluster.fork();
    const [message] = (await once(worker, "message")) as [string];
    assert.match(message, /sqlRevocations/);
    const exited = once(worker, "exit");
    worker.kill();
    await exited;
  });
});
