import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ServerCredentials } from "@grpc/grpc-js";
import {
  type Auth,
  createAuth,
  createRevocationFeed,
  createRevocations,
  createRoleDirectory,
  hasPermission,
  type Principal,
  policyFor,
} from "countersign";
import { apiKey, createKeyDigests, findsApiKeys, generateApiKey, staticApiKey } from "countersign/api-key";
import { grpcAuth, implement, type ServiceHandlers } from "countersign/grpc";
import { createJwtForUser, createKeyRing, jwksOf, jwt, privateKey, publicKey } from "countersign/jwt";
import { connectRemote } from "countersign/remote";
import {
  AuthService,
  createRevocationService,
  RevocationService,
  validatesApiKeys,
} from "countersign/service";
import { createRevocationFollower, type Store } from "countersign/store";
import { createMemoryStore } from "countersign/store/memory";
import { BenchCall, pepper, procedure, Wire, zipf } from "./callers.ts";
import { compete, type Figure } from "./measure.ts";

const callers = 10_000;
const draws = 1 << 16;
const guardKey = "only-for-this-benchmark";
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signer = privateKey({ key: pair.privateKey, algorithm: "ES256" });
const ring = createKeyRing([publicKey({ key: pair.publicKey, algorithm: "ES256" })]);

/** Warm decisions by `countersign/remote` beside those of a process that has the store itself, with the same credentials. */
export async function remoteDecisions(): Promise<readonly Figure[]> {
  const store = createMemoryStore();
  const { tokens, keys } = await makeCallers(store);
  const server = await startServer(store);
  const remote = connectRemote({ address: server.grpc, http: server.http, key: guardKey });
  await remote.ready();
  const policy = [policyFor<Principal>().rules({ say: { path: procedure } }, { say: "authenticated" })];
  const embedded = createAuth<Principal>({
    authenticators: [
      jwt({ keys: ring, users: store.users, requiredClaims: ["exp", "jti"] }),
      apiKey({ keys: store.apiKeys, users: store.users, peppers: [pepper] }),
    ],
    revocations: createRevocations(),
    roles: await createRoleDirectory({ source: store.roles }),
    policy,
  });
  const { revocations, roles } = remote;
  const remoteAuth = createAuth<Principal>({
    authenticators: [remote.jwt(), remote.apiKey()],
    policy,
    revocations,
    roles,
  });
  const bearer = tokens.map((token) => `Bearer ${token}`);
  for (const auth of [embedded, remoteAuth]) {
    await warmUp(auth, "authorization", bearer);
    await warmUp(auth, "x-api-key", keys);
  }
  const order = zipf(callers, draws);
  const wires = { authorization: new Wire(bearer), "x-api-key": new Wire(keys) };
  const decide = (auth: Auth<Principal>, header: keyof typeof wires) => (operations: number) => {
    for (let index = 0; index < operations; index++) {
      const value = wires[header].receive(order[index & (draws - 1)] ?? 0);
      const decision = auth.decide(new BenchCall(procedure, header, value));
      if (decision instanceof Promise || !decision.ok)
        throw new Error("a warm decision is an admission, at once");
    }
  };
  const figures = await compete(15, 200_000, {
    "JWT decision, embedded": decide(embedded, "authorization"),
    "JWT decision, remote": decide(remoteAuth, "authorization"),
    "API key decision, embedded": decide(embedded, "x-api-key"),
    "API key decision, remote": decide(remoteAuth, "x-api-key"),
  });
  await remote.close();
  await server.close();
  return figures;
}

async function makeCallers(store: Store): Promise<{ tokens: readonly string[]; keys: readonly string[] }> {
  const digests = createKeyDigests([pepper]);
  const tokens: string[] = [];
  const keys: string[] = [];
  for (let index = 1; index <= callers; index++) {
    const user = await store.users.create({ username: `user-${index}` });
    tokens.push(createJwtForUser(user, { key: signer, expiresIn: 3600 }));
    const { id, body, key } = generateApiKey("bench");
    await store.apiKeys.create({
      ...digests.digest(body),
      id,
      name: "bench",
      type: "service",
      userId: user.id,
    });
    keys.push(key);
  }
  return { tokens, keys };
}

async function warmUp(auth: Auth<Principal>, header: string, values: readonly string[]): Promise<void> {
  for (let start = 0; start < values.length; start += 100) {
    const decisions = values
      .slice(start, start + 100)
      .map((value) => auth.decide(new BenchCall(procedure, header, value)));
    for (const decision of await Promise.all(decisions)) {
      if (!decision.ok) throw new Error(`refused: ${decision.denial.reason} ${decision.denial.cause}`);
    }
  }
}

/** What the program serves to guards, and nothing else. */
async function startServer(
  store: Store,
): Promise<{ grpc: string; http: string; close: () => Promise<void> }> {
  const feed = createRevocationFeed();
  const revocations = createRevocations();
  const follower = createRevocationFollower({ log: store.revocations, view: revocations, feed });
  await follower.start();
  const p = policyFor<Principal>();
  const may = hasPermission("auth.revocations:watch");
  const guard = { name: "guard", key: guardKey, permissions: ["auth.revocations:watch"] };
  const auth = createAuth<Principal>({
    authenticators: [staticApiKey({ keys: [guard] })],
    policy: [
      p.rules(RevocationService, { watchRevocations: may, getAccount: may, reportUsage: may }),
      p.rules({ validate: { path: "/auth.v1.AuthService/ValidateApiKey" } }, { validate: may }),
    ],
    mode: "required",
  });
  const stored = { keys: store.apiKeys, users: store.users, peppers: [pepper] } as const;
  const validate = validatesApiKeys({
    authenticator: apiKey(stored),
    revocations,
    find: findsApiKeys(stored),
  });
  const absent = Object.fromEntries(AuthService.methods.map(({ localName }) => [localName, () => ({})]));
  const server = grpcAuth(auth).createServer();
  for (const { definition, implementation } of [
    implement(AuthService, { ...absent, validateApiKey: validate } as ServiceHandlers<typeof AuthService>),
    implement(
      RevocationService,
      createRevocationService({ ...store, feed, log: store.revocations, roles: store.roles }),
    ),
  ])
    server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const jwks = createServer((_request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify(jwksOf(ring)));
  });
  await new Promise<void>((resolve) => jwks.listen(0, "127.0.0.1", resolve));
  return {
    grpc: `127.0.0.1:${port}`,
    http: `http://127.0.0.1:${(jwks.address() as AddressInfo).port}`,
    async close() {
      await follower.stop();
      server.forceShutdown();
      jwks.closeAllConnections();
      jwks.close();
    },
  };
}
