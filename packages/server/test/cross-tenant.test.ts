import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { DescMethod } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import type { loadConfig } from "../src/config/config.ts";
import { servable } from "../src/descriptors.ts";
import { tokenEndpointPaths } from "../src/token-endpoints.ts";
import { type Attempt, formTokens, rows, type Target } from "./cross-tenant-attempts.ts";
import { absentTarget, issuerOf, makeCallers, makeTarget } from "./cross-tenant-cast.ts";
import { type Credential, callForm, callGrpc } from "./doors.ts";
import { type InProcessNode, startInProcess } from "./in-process-node.ts";
import { scratchFolder } from "./program.ts";

// Nobody of one tenant finds or changes what is another's, or the installation's, by any RPC that there is: each answer is the
// one that something which does not exist gets, and the database stays as it is. The rows are held against the descriptors, so
// that an RPC which is new fails here until somebody has said how it could be tried.

const methods = servable.flatMap((service) => service.methods);
const nameOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;

describe("across tenants", () => {
  let node: InProcessNode;
  let client: Client;
  let callers: readonly (readonly [string, Credential])[];
  /** Whoever reaches for it belongs to acme. */
  let targets: Readonly<Record<"globex" | "installation", Target>>;
  let own: Target;
  let absent: Target;
  let theirs: Target;
  let theirSuperuser: Credential;

  before(async () => {
    node = await startInProcess({ data: join(scratchFolder(), "data"), config: withIssuers });
    client = new Client(node.addresses.grpc, credentials.createInsecure());
    for (const id of ["acme", "globex"]) await node.store.tenants.create({ id }, "system");
    callers = Object.entries(await makeCallers(node, "acme"));
    theirSuperuser = (await makeCallers(node, "globex"))["superuser"];
    targets = { globex: await makeTarget(node, "globex"), installation: await makeTarget(node, "") };
    // Within what an admin may: or rank would refuse before anything else is asked.
    own = await makeTarget(node, "acme", ["auth.keys:read"]);
    theirs = await makeTarget(node, "globex");
    absent = absentTarget(node);
  });
  after(async () => {
    client.close();
    await node.close();
  });

  async function ask(method: DescMethod, credential: Credential, request: object, about: Target) {
    const enough = method.methodKind === "unary" ? 1 : await usersOf(credential);
    const answer = await callGrpc(client, { method, credential, request, enough });
    // What a refusal repeats of the request is not what it says.
    const text = [about.role, about.tenant].filter((name) => name !== "");
    const unsaid = (told: string): string => text.reduce((said, name) => said.replaceAll(name, "…"), told);
    const answers = answer.answers.map((one) => withoutRepeated(one, unsaid));
    return { ...answer, answers, message: unsaid(answer.message) };
  }

  /** A stream tells of everybody whom the caller may know of, and then waits: the next one would be somebody else. */
  async function usersOf(credential: Credential): Promise<number> {
    const tenantId = credential === theirSuperuser ? "globex" : "acme";
    return (await node.store.users.list({ limit: 1000, tenantId })).length;
  }

  /** Both requests are the same but for what they reach for: names that are made up are made up once. */
  async function tried(method: DescMethod, attempt: Attempt, credential: Credential, target: Target) {
    return [
      await ask(method, credential, attempt(target, own), target),
      await ask(method, credential, attempt(absent, own), absent),
    ] as const;
  }

  function findsNothing(method: DescMethod, attempt: Attempt) {
    return async ([who, credential]: readonly [string, Credential]): Promise<void> => {
      for (const [whose, target] of Object.entries(targets)) {
        if (whose === "installation" && isShared(attempt, target, own)) continue;
        const [found, nothing] = await tried(method, attempt, credential, target);
        assert.deepEqual(found, nothing, `${who} reaches for what is ${whose}'s`);
        assert.ok(!mentions(found.answers, target), `${who} is told of what is ${whose}'s`);
      }
    };
  }

  for (const method of methods) {
    const name = nameOf(method);
    it(name, async () => {
      const row = rows[name];
      assert.ok(
        row !== undefined,
        `no row for ${name}: say in cross-tenant-attempts.ts how somebody of another tenant would reach for a record by it`,
      );
      if (typeof row === "string") return;
      const before = node.digest();
      if ("installation" in row) {
        for (const attempt of row.installation) {
          for (const [who, credential] of callers) {
            const { reason, code } = await ask(method, credential, attempt(targets.globex, own), absent);
            assert.deepEqual([code, reason], [7, "PERMISSION_DENIED"], who);
          }
        }
        assert.equal(node.digest(), before, "the database");
        return;
      }
      for (const attempt of row) await Promise.all(callers.map(findsNothing(method, attempt)));
      assert.equal(node.digest(), before, "the database");
      for (const attempt of row) await reachesItsOwn(method, attempt);
    });
  }

  /** Or the attempt would prove nothing: for somebody of that tenant's the same request finds what it reaches for. */
  async function reachesItsOwn(method: DescMethod, attempt: Attempt): Promise<void> {
    const target = await makeTarget(node, "globex");
    const found = await ask(method, theirSuperuser, attempt(target, theirs), target);
    const nothing = await ask(method, theirSuperuser, attempt(absent, theirs), absent);
    if (!mentions(found.answers, target))
      assert.notDeepEqual(found, nothing, `${attempt}: it reaches for nothing`);
  }

  for (const path of Object.values(tokenEndpointPaths)) {
    it(`POST ${path}`, async () => {
      const before = node.digest();
      const { http } = node.addresses;
      for (const [who, credential] of callers) {
        for (const tokenOf of formTokens) {
          const nothing = await callForm(http, path, { credential, token: tokenOf(absent) });
          for (const [whose, target] of Object.entries(targets)) {
            const found = await callForm(http, path, { credential, token: tokenOf(target) });
            assert.deepEqual(found, nothing, `${who} holds a credential of ${whose}'s`);
          }
        }
      }
      assert.equal(node.digest(), before, "the database");
      const good = await callForm(http, path, { credential: theirSuperuser, token: theirs.accessToken });
      assert.equal(good.status, 200);
      if (path === tokenEndpointPaths.introspection_endpoint)
        assert.deepEqual([good.body["active"], good.body["tenant"]], [true, "globex"]);
    });
  }

  it("has a row for each RPC, and no other", () => {
    assert.deepEqual(Object.keys(rows).sort(), methods.map(nameOf).sort());
  });
});

/** The installation's roles are every tenant's to read, and no tenant is called as what belongs to none. */
function isShared(attempt: Attempt, target: Target, own: Target): boolean {
  const asked = new Set<string | symbol>();
  attempt(
    new Proxy(target, {
      get(of, member) {
        asked.add(member);
        return Reflect.get(of, member) as unknown;
      },
    }),
    own,
  );
  return asked.has("role") || asked.has("tenant");
}

/** An answer without what it repeats of a request that found nothing. */
function withoutRepeated(answer: unknown, unsaid: (told: string) => string): unknown {
  return JSON.parse(JSON.stringify(answer), (field, value: unknown) => {
    if (field === "refused_ids" && Array.isArray(value)) return value.length;
    if (field === "problem" && typeof value === "string") return unsaid(value);
    const { verdict } = Object(value) as { readonly verdict?: unknown };
    return verdict === "unknown" ? { verdict } : value;
  });
}

/** Whether an answer has anything in it that only this record has. */
function mentions(
  answers: readonly unknown[],
  { username, email, keyId, sessionId, subject }: Target,
): boolean {
  const text = JSON.stringify(answers);
  return [username, email, keyId, sessionId, subject].some((part) => text.includes(part));
}

/** Each tenant has an issuer of its own. */
function withIssuers(config: ReturnType<typeof loadConfig>): ReturnType<typeof loadConfig> {
  const issuers = ["acme", "globex"].map((tenant) => ({
    ...{ name: tenant, kind: "id-token" as const, issuer: issuerOf(tenant), client_id: "us", tenant },
    ...{ also_known_as: [], allow_loopback: false, provision: false, username_claim: "preferred_username" },
    ...{ trusted_audiences: [], required_claims: {}, prefix: "", cache: 30 },
  }));
  return { ...config, auth: { ...config.auth, issuers } };
}
