import { randomBytes } from "node:crypto";
import { generateApiKey } from "countersign/api-key";
import { createJwtForUser } from "countersign/jwt";
import { createRefreshTokens } from "countersign/service";
import type { RequestRecord, UserRecord } from "countersign/store";
import { deriveKeys } from "../src/master-key.ts";
import type { Target } from "./cross-tenant-attempts.ts";
import type { Credential } from "./doors.ts";
import type { InProcessNode } from "./in-process-node.ts";
import { bearerOf, makeKey, tokenOf } from "./matrix-people.ts";

/** The issuer of a tenant's, as the configuration of the test has it. */
export function issuerOf(tenant: string): string {
  return `https://id.${tenant}.example`;
}

const day = 86_400_000;

const newSessionId = (): string => randomBytes(18).toString("base64url");

/**
 * A new user of a tenant, or with the empty text of none, and one of everything that may belong to one. `may`: what the role
 * allows, which is more than an admin may unless it is said.
 */
export async function makeTarget(
  node: InProcessNode,
  tenant: string,
  may = ["orders:read"],
): Promise<Target> {
  const { store, config } = node;
  const name = `target-${randomBytes(6).toString("hex")}`;
  const email = `${name}@${tenant || "example"}.org`;
  const tenantId = tenant === "" ? undefined : tenant;
  const user = await store.users.create({ username: name, email, tenantId });
  const role = tenant === "" ? name : `${tenant}/${name}`;
  await store.roles.create({ name: role, permissions: may }, "system");
  await store.roles.assign(user.id, role, "system");
  const { id: keyId, key } = await makeKey(node, user);
  const until = new Date(Date.now() + day);
  const origin = { methods: ["pwd"], address: "", userAgent: "", refreshUntil: until, endsAt: until };
  const session = await store.sessions.create({ id: newSessionId(), userId: user.id, ...origin });
  const [issuer, subject] = [tenant === "" ? "https://id.example" : issuerOf(tenant), `subject-${name}`];
  await store.identities.link({ issuer, subject, userId: user.id }, "system");
  await node.caughtUp();
  const requestId = `request-${name}`;
  await node.requests.append([loggedRequest({ requestId, userId: user.id, apiKeyId: keyId, tenantId })]);
  const [record] = await store.audit.list({ limit: 1, target: `key:${keyId}` });
  return {
    ...{
      tenant,
      userId: BigInt(user.id),
      username: name,
      email,
      keyId,
      key,
      role,
      issuer,
      subject,
      requestId,
    },
    sessionId: session.id,
    refreshToken: createRefreshTokens(...deriveKeys(config).refresh).issue(session.id, 1),
    accessToken: tokenOf(node, user),
    auditSequence: BigInt(record?.sequence ?? 0),
  };
}

function loggedRequest(
  given: Pick<RequestRecord, "requestId" | "userId" | "apiKeyId" | "tenantId">,
): RequestRecord {
  return {
    ...{ at: Date.now(), durationMs: 1, procedure: "/orders.v1.Orders/List", protocol: "grpc", code: 0 },
    ...{ reason: undefined, authenticator: "api-key", peer: undefined, userAgent: undefined },
    ...{ received: 1, sent: 1, rule: undefined, missing: undefined },
    ...given,
  };
}

/** What is there nowhere, told by names and credentials of the same form. */
export function absentTarget({ config, signing }: InProcessNode): Target {
  const sessionId = newSessionId();
  const nobody = { id: "999999999", username: "nobody", email: undefined, roles: [] };
  const user = { ...nobody, isStaff: false, isSuperuser: false, tenantId: "absent" };
  return {
    tenant: "absent",
    userId: 999_999_999n,
    username: "absent",
    email: "absent@absent.org",
    keyId: "absent",
    key: generateApiKey("dev").key,
    sessionId,
    refreshToken: createRefreshTokens(...deriveKeys(config).refresh).issue(sessionId, 1),
    accessToken: createJwtForUser(user, { key: signing.signer(), expiresIn: 900 }),
    role: "absent/absent",
    issuer: issuerOf("absent"),
    subject: "subject-absent",
    requestId: "request-absent",
    auditSequence: 999_999_999n,
  };
}

/** Everybody of one tenant who might try: each kind of rank, and keys. */
export async function makeCallers(
  node: InProcessNode,
  tenantId: string,
): Promise<Readonly<Record<string, Credential>>> {
  const user = (name: string, more: object = {}): Promise<UserRecord> =>
    node.store.users.create({ username: `${tenantId}-${name}`, tenantId, ...more });
  await node.store.roles.create({ name: "everything", permissions: ["**"] }, "system").catch(() => {});
  const superuser = await user("superuser", { isStaff: true, isSuperuser: true });
  const key = async (scopes: readonly string[]): Promise<Credential> => [
    "x-api-key",
    (await makeKey(node, superuser, { scopes })).key,
  ];
  const bearer = (owner: UserRecord): Credential => bearerOf(node, owner);
  return {
    superuser: bearer(superuser),
    admin: bearer(await user("admin", { roles: ["admin"] })),
    "holder of every permission": bearer(await user("rich", { roles: ["everything"] })),
    "key manager": bearer(await user("keys", { roles: ["key-manager"] })),
    staff: bearer(await user("staff", { isStaff: true })),
    plain: bearer(await user("plain")),
    "superuser's key for everything": await key(["**", "staff", "superuser"]),
    "scoped key": await key(["auth.users:*", "auth.keys:*", "auth.sessions:*", "auth.roles:*"]),
  };
}
