import assert from "node:assert/strict";
import type { Store } from "../contracts.ts";
import { newSession, rotation } from "./session-case.suite.ts";
import { type Cases, newKey, type TestClock } from "./store-case.suite.ts";

/** A change, and the audit rows that it has to write. */
export interface AuditedChange {
  /** What has to be there before, besides ada (1, a superuser), bob (2), the key `k1`, the session `s1`, the role `support` and the tenant `acme`. */
  readonly prepare?: (store: Store, clock: TestClock) => Promise<unknown>;
  readonly change: (store: Store, clock: TestClock) => Promise<unknown>;
  readonly actions: readonly string[];
}

/** `reads`, or why it is no administrative change, or the changes that it makes. */
type Kind = "reads" | { readonly unaudited: string } | readonly AuditedChange[];

type Methods<T> = {
  [M in keyof T]: T[M] extends ((...args: never[]) => unknown) | undefined ? M : never;
}[keyof T];

type Stores = Omit<Store, "close" | "readings">;

const by = "1";
const nothing = new Uint8Array([1]);

const signingKey = (kid: string, clock: TestClock) => ({
  kid,
  algorithm: "HS256",
  publicJwk: undefined,
  sealedKey: nothing,
  lifetimeSeconds: 60,
  activeFrom: clock.date,
});
const firstKey = (store: Store, clock: TestClock) =>
  store.signingKeys.createFirst(signingKey("a", clock), by);
const aboutStore = (action: string) => ({ actor: by, action, target: "store", details: {} });
const keyRotation = (clock: TestClock, graceMs: number) => {
  const { id, digest, pepperId } = newKey("k2", "2");
  return { id, digest, pepperId, by, expiresAt: undefined, graceEndsAt: new Date(clock.ms + graceMs) };
};
const importedKey = (id: string) => {
  const { digest: _digest, ...key } = newKey(id, "2");
  return { key, fingerprint: nothing, algorithm: "sha256" };
};
const identity = { issuer: "https://issuer.example", subject: "s" };
const enrolled = async ({ totp }: Store) => {
  await totp.enroll("2", nothing);
  await totp.confirm("2", { step: 1, sealedSecret: nothing }, [nothing]);
};
const streak = { userId: "2", limit: 9, lockAt: 1 };
const guess = ({ attempts }: Store, clock: TestClock) =>
  attempts.begin("bob", { limit: 9, windowSeconds: 60, now: clock.date, streak });

/** Every method of every store: one that is new does not compile before it says what it is. */
export const storeMethods: {
  readonly [S in keyof Stores]: { readonly [M in Methods<Required<Stores[S]>>]: Kind };
} = {
  users: {
    load: "reads",
    findByUsername: "reads",
    findByEmail: "reads",
    firstSuperuser: "reads",
    list: "reads",
    passwordHash: "reads",
    create: [{ change: ({ users }) => users.create({ username: "eve" }), actions: ["user.created"] }],
    update: [
      { change: ({ users }) => users.update("2", { email: "b@x.org" }), actions: ["user.updated"] },
      { change: ({ users }) => users.update("2", { isActive: false }), actions: ["user.disabled"] },
      {
        prepare: ({ users }) => users.update("2", { isActive: false }),
        change: ({ users }) => users.update("2", { isActive: true }),
        actions: ["user.enabled"],
      },
      { change: ({ users }) => users.update("2", { passwordHash: "x" }), actions: ["user.password_set"] },
    ],
    unlockPassword: [
      {
        prepare: guess,
        change: ({ users }) => users.unlockPassword("2", by),
        actions: ["password.unlocked"],
      },
    ],
    delete: [{ change: ({ users }) => users.delete("2"), actions: ["user.deleted"] }],
  },
  roles: {
    load: "reads",
    find: "reads",
    list: "reads",
    create: [
      {
        change: ({ roles }) => roles.create({ name: "lead", permissions: ["a:b"] }, by),
        actions: ["role.created"],
      },
    ],
    update: [
      { change: ({ roles }) => roles.update("support", { description: "d" }, by), actions: ["role.updated"] },
    ],
    delete: [
      { change: ({ roles }) => roles.delete("support", { force: false }, by), actions: ["role.deleted"] },
    ],
    assign: [{ change: ({ roles }) => roles.assign("2", "support", by), actions: ["role.assigned"] }],
    unassign: [
      {
        prepare: ({ roles }) => roles.assign("2", "support", by),
        change: ({ roles }) => roles.unassign("2", "support", by),
        actions: ["role.unassigned"],
      },
    ],
  },
  apiKeys: {
    load: "reads",
    list: "reads",
    create: [{ change: ({ apiKeys }) => apiKeys.create(newKey("k2", "2")), actions: ["key.created"] }],
    revoke: [
      { change: ({ apiKeys }) => apiKeys.revoke("k1", { reason: "lost", by }), actions: ["key.revoked"] },
    ],
    setDisabled: [
      { change: ({ apiKeys }) => apiKeys.setDisabled("k1", true), actions: ["key.disabled"] },
      {
        prepare: ({ apiKeys }) => apiKeys.setDisabled("k1", true),
        change: ({ apiKeys }) => apiKeys.setDisabled("k1", false),
        actions: ["key.enabled"],
      },
    ],
    update: [
      { change: ({ apiKeys }) => apiKeys.update("k1", { scopes: ["a:b"] }, by), actions: ["key.updated"] },
    ],
    rotate: [
      {
        change: ({ apiKeys }, clock) => apiKeys.rotate("k1", keyRotation(clock, 60_000)),
        actions: ["key.created", "key.rotated"],
      },
      {
        change: ({ apiKeys }, clock) => apiKeys.rotate("k1", keyRotation(clock, 0)),
        actions: ["key.created", "key.rotated"],
      },
    ],
    reveal: [
      {
        prepare: ({ apiKeys }, clock) =>
          apiKeys.create(
            newKey("k2", "2", {
              link: { digest: nothing, sealed: nothing, expiresAt: new Date(clock.ms + 1000) },
            }),
          ),
        change: ({ apiKeys }) => apiKeys.reveal(nothing, "192.0.2.1"),
        actions: ["key.revealed"],
      },
    ],
    addUsage: { unaudited: "counts calls" },
    usage: "reads",
    usageOf: "reads",
    networks: "reads",
    traces: "reads",
    prune: { unaudited: "forgets old counts, and links that are over" },
  },
  keyImports: {
    state: "reads",
    progress: "reads",
    algorithmsOf: "reads",
    known: "reads",
    requireNew: "reads",
    find: "reads",
    addSecret: { unaudited: "is of no use without a key, whose import is audited" },
    add: [
      {
        change: ({ keyImports }) => keyImports.add({ ...importedKey("k2"), lookup: nothing }),
        actions: ["key.imported"],
      },
    ],
    settle: { unaudited: "the same key, kept under another digest" },
  },
  tenants: {
    find: "reads",
    list: "reads",
    create: [
      {
        change: ({ tenants }) => tenants.create({ id: "globex", name: "Globex" }, by),
        actions: ["tenant.created"],
      },
    ],
    update: [
      { change: ({ tenants }) => tenants.update("acme", { name: "A" }, by), actions: ["tenant.updated"] },
    ],
    setDisabled: [
      { change: ({ tenants }) => tenants.setDisabled("acme", true, by), actions: ["tenant.disabled"] },
      {
        prepare: ({ tenants }) => tenants.setDisabled("acme", true, by),
        change: ({ tenants }) => tenants.setDisabled("acme", false, by),
        actions: ["tenant.enabled"],
      },
    ],
    delete: [{ change: ({ tenants }) => tenants.delete("acme", by), actions: ["tenant.deleted"] }],
  },
  secrets: {
    sealed: "reads",
    pepperIds: "reads",
    pepperUse: "reads",
    marks: "reads",
    reseal: [
      {
        prepare: firstKey,
        change: ({ secrets }) =>
          secrets.reseal(
            [{ kind: "signing-key", id: "a", from: nothing, to: new Uint8Array([2]) }],
            aboutStore("secrets.resealed"),
          ),
        actions: ["secrets.resealed"],
      },
    ],
    redigest: { unaudited: "the same key, kept under another pepper" },
    mark: { unaudited: "a start tells by it whether its secrets are those of the database" },
    unmark: [
      {
        prepare: ({ secrets }) => secrets.mark("m", nothing),
        change: ({ secrets }) => secrets.unmark(["m"], aboutStore("master_key.retired")),
        actions: ["master_key.retired"],
      },
    ],
  },
  nodes: {
    list: "reads",
    beat: { unaudited: "a node says that it is there" },
    forget: { unaudited: "a node says that it stops" },
  },
  limits: {
    take: { unaudited: "counts calls" },
    takeBack: { unaudited: "counts calls" },
    usage: "reads",
    reset: { unaudited: "counts may be in Redis: LimitService writes the row before" },
    prune: { unaudited: "forgets what counts no more" },
  },
  revocations: {
    head: "reads",
    since: "reads",
    live: "reads",
    livePage: "reads",
    onAppend: "reads",
    append: [
      {
        change: ({ revocations }) =>
          revocations.append([{ kind: "token", issuer: "", jti: "j", expiresAt: 9e9 }], {
            actor: by,
            action: "token.revoked",
            target: "token:j",
            details: {},
          }),
        actions: ["token.revoked"],
      },
    ],
    prune: { unaudited: "removes what can refuse nothing" },
  },
  sessions: {
    load: "reads",
    list: "reads",
    create: [
      {
        prepare: async (store, clock) => {
          await store.users.update("2", { passwordHash: "x" });
          await guess(store, clock);
        },
        change: ({ sessions }, clock) => sessions.create(newSession("s2", "2", clock, { password: "x" })),
        actions: ["password.unlocked"],
      },
    ],
    rotate: [
      {
        prepare: async ({ sessions }, clock) => {
          await sessions.rotate("s1", rotation(1, clock));
          await sessions.rotate("s1", rotation(2, clock));
        },
        change: ({ sessions }, clock) => sessions.rotate("s1", rotation(1, clock)),
        actions: ["session.reuse_detected"],
      },
    ],
    revoke: [
      {
        change: ({ sessions }) => sessions.revoke("s1", { reason: "", by }),
        actions: ["session.revoked"],
      },
    ],
    revokeAll: [
      {
        change: ({ sessions }) => sessions.revokeAll("1", { reason: "", by }),
        actions: ["session.all_revoked"],
      },
    ],
    prune: { unaudited: "forgets what has been over for long" },
  },
  attempts: {
    begin: [{ change: guess, actions: ["password.locked"] }],
    clear: { unaudited: "counts guesses" },
    takeBack: { unaudited: "counts guesses" },
    knows: "reads",
    prune: { unaudited: "forgets guesses that count no more" },
  },
  totp: {
    load: "reads",
    enroll: { unaudited: "nothing is in force before it is confirmed" },
    confirm: [
      {
        prepare: ({ totp }) => totp.enroll("2", nothing),
        change: ({ totp }) => totp.confirm("2", { step: 1, sealedSecret: nothing }, [nothing]),
        actions: ["totp.enabled"],
      },
    ],
    useStep: { unaudited: "a part of a login" },
    useRecoveryCode: [
      {
        prepare: enrolled,
        change: ({ totp }) => totp.useRecoveryCode("2", nothing),
        actions: ["totp.recovery_code_used"],
      },
    ],
    disable: [{ prepare: enrolled, change: ({ totp }) => totp.disable("2", by), actions: ["totp.disabled"] }],
  },
  audit: {
    find: "reads",
    list: "reads",
    verify: "reads",
    append: [
      {
        change: ({ audit }) => audit.append({ action: "a", target: "t", details: {} }),
        actions: ["a"],
      },
    ],
  },
  signingKeys: {
    list: "reads",
    createFirst: [{ change: firstKey, actions: ["signing_key.created"] }],
    rotate: [
      {
        prepare: firstKey,
        change: ({ signingKeys }, clock) => signingKeys.rotate(signingKey("b", clock), "retire", by),
        actions: ["signing_key.retired", "signing_key.created"],
      },
    ],
    remove: [
      {
        prepare: firstKey,
        change: ({ signingKeys }, clock) => signingKeys.remove("a", signingKey("b", clock), by),
        actions: ["signing_key.removed", "signing_key.created"],
      },
    ],
    extend: { unaudited: "keeps a key for as long as what it signs" },
  },
  identities: {
    find: "reads",
    list: "reads",
    isFormer: "reads",
    link: [
      {
        change: ({ identities }) => identities.link({ ...identity, userId: "2" }, by),
        actions: ["identity.linked"],
      },
    ],
    unlink: [
      {
        prepare: ({ identities }) => identities.link({ ...identity, userId: "2" }, by),
        change: ({ identities }) => identities.unlink(identity, by),
        actions: ["identity.unlinked"],
      },
    ],
    provision: [
      {
        change: ({ identities }) => identities.provision(identity, { username: "eve", email: undefined }, by),
        actions: ["identity.provisioned"],
      },
    ],
  },
};

/** Everything that has to be audited, by `store.method`, and a number where there are several. */
export const auditedChanges: Readonly<Record<string, AuditedChange>> = Object.fromEntries(
  Object.entries(storeMethods).flatMap(([store, methods]) =>
    Object.entries(methods).flatMap(([method, kind]: [string, Kind]) =>
      kind === "reads" || "unaudited" in kind
        ? []
        : kind.map((change, index) => [`${store}.${method}${index === 0 ? "" : ` ${index + 1}`}`, change]),
    ),
  ),
);

/** What every change can begin with. */
export async function prepareChange(
  store: Store,
  clock: TestClock,
  { prepare }: AuditedChange,
): Promise<void> {
  await store.users.create({ username: "ada", isSuperuser: true });
  await store.users.create({ username: "bob" });
  await store.apiKeys.create(newKey("k1", "2"));
  await store.sessions.create(newSession("s1", "1", clock));
  await store.roles.create({ name: "support", permissions: ["a:b"] }, by);
  await store.tenants.create({ id: "acme", name: "Acme" }, by);
  await prepare?.(store, clock);
}

/** A change writes the rows that it has to write, and no other ones. */
async function writesItsRows(store: Store, clock: TestClock, audited: AuditedChange): Promise<void> {
  await prepareChange(store, clock, audited);
  const [last] = await store.audit.list({ limit: 1 });
  await audited.change(store, clock);
  const rows = (await store.audit.list({ limit: 100 })).filter(
    ({ sequence }) => sequence > (last?.sequence ?? 0),
  );
  assert.deepEqual(rows.map(({ action }) => action).reverse(), audited.actions);
}

export const auditedCases: Cases = Object.fromEntries(
  Object.entries(auditedChanges).map(([name, audited]) => [
    name,
    (store, clock) => writesItsRows(store, clock, audited),
  ]),
);
