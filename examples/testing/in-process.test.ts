import assert from "node:assert/strict";
import test from "node:test";
import { createClient } from "@connectrpc/connect";
import { createAuth, createRevocations, isStaff, type Principal, policyFor } from "countersign";
import { apiKey } from "countersign/api-key";
import { apiKey as apiKeyCredential, bearer } from "countersign/client";
import { implement } from "countersign/connect";
import type { ServiceHandlers } from "countersign/grpc";
import { jwt } from "countersign/jwt";
import { createMemoryStore } from "countersign/store/memory";
import { FakeClock, signTestToken, testApiKey, testKeys, testPepper } from "countersign/testing";
import { createTestTransport } from "countersign/testing/connect";
import { startTestServer } from "countersign/testing/grpc";
import { UserService } from "../gen/api/users/users_pb.ts";

const { getUser, deleteUser } = UserService.method;

const users: ServiceHandlers<typeof UserService> = {
  getUser: ({ userId }, { principal }) => ({ id: userId, requestedBy: principal?.username ?? "" }),
  updateProfile: ({ bio }) => ({ bio }),
  listAllUsers: () => ({ users: [] }),
  deleteUser: () => ({}),
  async *watchUsers() {},
  upload: () => ({}),
  async *chat() {},
};

/** The service's own rules, with authenticators that know the credentials of the test kit. */
function setup() {
  const clock = new FakeClock();
  const store = createMemoryStore({ now: clock.now });
  const revocations = createRevocations();
  const auth = createAuth<Principal>({
    authenticators: [
      jwt({ keys: testKeys }),
      apiKey({ keys: store.apiKeys, users: store.users, peppers: [testPepper] }),
    ],
    policy: [
      policyFor<Principal>().rules(UserService, {
        ...{
          getUser: "optional",
          updateProfile: "authenticated",
          listAllUsers: isStaff,
          deleteUser: isStaff,
        },
        ...{ watchUsers: "authenticated", upload: "authenticated", chat: "authenticated" },
      }),
    ],
    revocations,
    now: clock.now,
  });
  const as = (user: Parameters<typeof signTestToken>[0]) => bearer(signTestToken(user, { now: clock.ms }));
  return { clock, store, revocations, auth, as };
}

test("over grpc-js: a token is good until it ends, and rules are kept", async () => {
  const { auth, as, clock } = setup();
  await using server = await startTestServer(auth, (add) => add(UserService, users));
  const [ada, sam] = [as({ username: "ada" }), as({ id: "2", username: "sam", isStaff: true })];

  assert.equal((await server.call(getUser, { userId: 1n }, ada)).requestedBy, "ada");
  assert.equal((await server.call(getUser, { userId: 1n })).requestedBy, "");
  await assert.rejects(server.call(deleteUser, { userId: 1n }, ada), { reason: "PERMISSION_DENIED" });
  await server.call(deleteUser, { userId: 1n }, sam);
  clock.advance(16 * 60_000);
  await assert.rejects(server.call(getUser, {}, ada), { code: 16, reason: "TOKEN_EXPIRED" });
});

test("over Connect, in memory: a key acts as its owner until it is revoked", async () => {
  const { auth, store, revocations } = setup();
  const owner = await store.users.create({ username: "sam", isStaff: true });
  const { key, record } = await testApiKey(store.apiKeys, { userId: owner.id });
  const transport = createTestTransport(
    auth,
    (router) => router.service(UserService, implement(UserService, users)),
    { credential: apiKeyCredential(key) },
  );
  const client = createClient(UserService, transport);

  assert.equal((await client.getUser({ userId: 1n })).requestedBy, "sam");
  await client.deleteUser({ userId: 1n });
  revocations.apply({ kind: "key", keyId: record.id, state: "revoked" });
  await assert.rejects(client.getUser({ userId: 1n }), { rawMessage: "API key revoked" });
});
