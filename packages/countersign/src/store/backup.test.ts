import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { startPostgres } from "../../../../tools/postgres-server.ts";
import { createRevocations } from "../core/revocation.ts";
import type { AuditOptions } from "./audit-contracts.ts";
import { openBackup, writeBackup } from "./backup/backup-file.ts";
import { BackupError, type BackupPart, type Snapshot } from "./backup/backup-part.ts";
import type { Store } from "./contracts.ts";
import { openPostgresStore, restorePostgres, snapshotPostgres } from "./postgres.ts";
import { createRevocationFollower } from "./revocation-follower.ts";
import {
  DatabaseInUse,
  openSqliteStore,
  restoreSqlite,
  snapshotSqlite,
  sqliteSchemaVersion,
} from "./sqlite.ts";
import { firstContent, firstSchema } from "./suite/first-schema.suite.ts";
import { newSession, verdictOf } from "./suite/session-case.suite.ts";
import { newKey, TestClock } from "./suite/store-case.suite.ts";
import { temporaryFolder } from "./suite/temporary-folder.suite.ts";

const server = await startPostgres();
after(() => server.stop());

interface Place {
  open(audit?: AuditOptions): Promise<Store>;
  snapshot(): Promise<Snapshot>;
  restore(
    file: string,
    options?: Omit<Parameters<typeof restoreSqlite>[1], "path"> & { readonly passphrase?: string },
  ): ReturnType<typeof restoreSqlite>;
}

async function source(file: string, passphrase?: string) {
  const { header, parts } = await openBackup(file);
  return { ...header, parts: parts(passphrase) };
}

function sqlite(path: string, clock: TestClock): Place {
  return {
    open: (audit) => openSqliteStore({ path, now: clock.now, audit }),
    snapshot: async () => snapshotSqlite({ path }),
    restore: async (file, { passphrase, ...options } = {}) =>
      restoreSqlite(await source(file, passphrase), { path, now: clock.now, ...options }),
  };
}

async function postgres(clock: TestClock): Promise<Place> {
  const database = server.local(await server.createDatabase());
  return {
    open: (audit) => openPostgresStore({ database, now: clock.now, audit }),
    snapshot: () => snapshotPostgres({ database }),
    restore: async (file, { passphrase, ...options } = {}) =>
      restorePostgres(await source(file, passphrase), { database, now: clock.now, ...options }),
  };
}

const big = "9007199254740993";

/** Something in most tables, with what is awkward to carry: 64-bit ids, bytes, line ends, emoji. */
async function fillStore(place: Place, clock: TestClock): Promise<void> {
  const store = await place.open();
  const ada = await store.users.create({ username: "ada", isSuperuser: true, passwordHash: "$argon2id$1" });
  await store.users.create({
    username: "bøb\n🜁",
    email: "bob@example.com",
    attributes: { note: '"\\\u2028\t' },
  });
  const gone = await store.users.create({ username: "gone" });
  await store.users.delete(gone.id);
  await store.roles.create({ name: "ops", permissions: ["a:*"] }, "system");
  await store.roles.assign(ada.id, "ops", "system");
  const digest = new Uint8Array([0, 255, 10, 13]);
  for (let n = 0; n < 3; n += 1)
    await store.apiKeys.create(newKey(`k${n}`, ada.id, { digest, scopes: ["x:y"] }));
  await store.apiKeys.revoke("k1", { reason: "lost", by: ada.id });
  await store.sessions.create(newSession("s1", ada.id, clock));
  await store.totp.enroll(ada.id, new Uint8Array([1, 2, 3]));
  await store.revocations.append([
    { kind: "token", issuer: "https://id", jti: "j", expiresAt: clock.ms / 1000 + 600 },
  ]);
  await store.close();
}

/** All of it as text, but for what a restore adds. */
async function contentOf(place: Place): Promise<readonly string[]> {
  const snapshot = await place.snapshot();
  const lines: string[] = [];
  let table = "";
  for await (const part of snapshot.parts) {
    if (part.kind === "table") table = part.name;
    if (table === "revocation_head" || table === "audit_head") continue;
    for (const piece of part.kind === "rows" ? part.rows : [part]) {
      const text = JSON.stringify(piece, (_key, value: unknown) =>
        typeof value === "bigint" ? `${value}` : value instanceof Uint8Array ? [...value] : value,
      );
      if (!text.includes("store.restored")) lines.push(text);
    }
  }
  await snapshot.close();
  return lines;
}

async function backUp(place: Place, file: string, passphrase?: string): Promise<void> {
  const snapshot = await place.snapshot();
  try {
    await writeBackup(file, snapshot, { createdAt: new Date(1_800_000_000_000), passphrase });
  } finally {
    await snapshot.close();
  }
}

describe("backup", { timeout: 300_000 }, () => {
  it("goes from SQLite to PostgreSQL and back, and nothing changes on the way", async (context) => {
    const file = temporaryFolder(context);
    const clock = new TestClock();
    const first = sqlite(file("first.db"), clock);
    await fillStore(first, clock);
    const raw = new DatabaseSync(file("first.db"));
    raw.exec(`insert into users (id, username, username_folded, is_active, is_staff, is_superuser, attributes, created_at, updated_at)
      values (${big}, 'big', 'big', 1, 0, 0, '{}', 1, 1)`);
    raw.close();
    const before = await contentOf(first);
    await backUp(first, file("one.backup"));
    assert.equal(statSync(file("one.backup")).mode & 0o777, 0o600);
    const second = await postgres(clock);
    const restored = await second.restore(file("one.backup"), { nothingSince: true });
    assert.deepEqual([restored.tables["users"], restored.tables["api_keys"]], [3, 3]);
    assert.deepEqual(await contentOf(second), before);
    const store = await second.open();
    assert.equal((await store.users.load(big))?.username, "big");
    assert.deepEqual((await store.apiKeys.load("k0"))?.digest, new Uint8Array([0, 255, 10, 13]));
    assert.equal((await store.users.create({ username: "next" })).id, String(BigInt(big) + 1n));
    await store.close();
    await backUp(second, file("two.backup"), "correct horse");
    const third = sqlite(file("third.db"), clock);
    await third.restore(file("two.backup"), { nothingSince: true, passphrase: "correct horse" });
    assert.deepEqual(await contentOf(third), await contentOf(second));
    const last = await third.open();
    assert.equal((await last.users.create({ username: "after" })).id, String(BigInt(big) + 2n));
    const [audit] = await last.audit.list({ limit: 1, action: "store.restored" });
    assert.equal(audit?.details["backed_up_at"], "2027-01-15T08:00:00.000Z");
    await last.close();
  });

  it("brings an audit log back as it was, sealed or damaged", async (context) => {
    const file = temporaryFolder(context);
    const clock = new TestClock();
    const audit = { keys: [randomBytes(32)], origin: () => ({ actor: "system", address: "me@here" }) };
    const path = file("a.db");
    const sealed = await openSqliteStore({ path, now: clock.now, audit });
    for (const username of ["ada", "bob", "eve"]) await sealed.users.create({ username });
    await sealed.close();
    await backUp(sqlite(path, clock), file("whole.backup"));
    const raw = new DatabaseSync(path);
    raw.exec("drop trigger audit_log_no_delete; delete from audit_log where sequence = 2");
    raw.close();
    await backUp(sqlite(path, clock), file("damaged.backup"));
    for (const place of [sqlite(file("b.db"), clock), await postgres(clock)]) {
      await assert.rejects(place.restore(file("whole.backup")), /sealed with a master key that this process/);
      const { rows } = await place.restore(file("whole.backup"), { audit });
      assert.ok(rows > 3);
      const store = await place.open(audit);
      const { broken, checked, sealedFrom } = await verdictOf(store.audit.verify());
      assert.deepEqual([broken, checked, sealedFrom], [undefined, 4, 1]);
      const [last] = await store.audit.list({ limit: 1 });
      assert.deepEqual([last?.action, last?.origin.address], ["store.restored", "me@here"]);
      await store.close();
      await place.restore(file("damaged.backup"), { audit, replace: true });
      const damaged = await place.open(audit);
      const verdict = await verdictOf(damaged.audit.verify());
      assert.deepEqual(verdict.broken, { sequence: 2, fault: "missing" });
      await damaged.close();
    }
  });

  it("holds one moment, while a server writes", async (context) => {
    const file = temporaryFolder(context);
    const clock = new TestClock();
    for (const place of [sqlite(file("a.db"), clock), await postgres(clock)]) {
      await fillStore(place, clock);
      const store = await place.open();
      const snapshot = await place.snapshot();
      const parts = snapshot.parts[Symbol.asyncIterator]();
      const read: BackupPart[] = [];
      for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
        read.push(next.value);
        await store.users.create({ username: `while-${read.length}` });
      }
      const users = read.findIndex((part) => part.kind === "table" && part.name === "users") + 1;
      const rows = read[users];
      assert.ok(rows?.kind === "rows" && rows.rows.length === 2);
      await snapshot.close();
      await store.close();
    }
  });

  it("is of an older schema, too, and is brought up to date where it is restored", async (context) => {
    const file = temporaryFolder(context);
    const clock = new TestClock();
    const old = new DatabaseSync(file("old.db"));
    old.exec("pragma journal_mode = wal");
    for (const statement of [...firstSchema, ...firstContent]) old.exec(statement);
    old.close();
    await backUp(sqlite(file("old.db"), clock), file("old.backup"));
    assert.equal((await openBackup(file("old.backup"))).header.schemaVersion, 1);
    for (const place of [sqlite(file("new.db"), clock), await postgres(clock)]) {
      await place.restore(file("old.backup"));
      const store = await place.open();
      const ada = await store.users.load("1");
      assert.deepEqual([ada?.username, ada?.attributes], ["Ada", { team: "engines" }]);
      assert.equal((await store.apiKeys.load("k3"))?.revokedReason, "lost");
      assert.equal((await store.roles.load()).length, 3);
      await store.close();
    }
  });

  it("is not put over what is there, nor is that of a newer schema", async (context) => {
    const file = temporaryFolder(context);
    const clock = new TestClock();
    const place = sqlite(file("a.db"), clock);
    await fillStore(place, clock);
    await backUp(place, file("a.backup"));
    await assert.rejects(backUp(place, file("a.backup")), { code: "EEXIST" });
    const before = await contentOf(place);
    await assert.rejects(place.restore(file("a.backup")), DatabaseInUse);
    const header = await openBackup(file("a.backup"));
    const newer = { ...header.header, schemaVersion: sqliteSchemaVersion + 1, parts: header.parts() };
    await assert.rejects(
      restoreSqlite(newer, { path: file("a.db"), replace: true }),
      /the backup has schema version/,
    );
    assert.deepEqual(await contentOf(place), before);
    await place.restore(file("a.backup"), { replace: true, nothingSince: true });
    assert.deepEqual(await contentOf(place), before);
    assert.ok(!existsSync(file("a.backup.partial")));
  });

  it("is refused when a byte of it is wrong, or is missing, and what was there stays", async (context) => {
    const file = temporaryFolder(context);
    const clock = new TestClock();
    const place = sqlite(file("a.db"), clock);
    await fillStore(place, clock);
    const before = await contentOf(place);
    for (const passphrase of [undefined, "secret words"]) {
      const path = file(`${passphrase === undefined ? "plain" : "sealed"}.backup`);
      await backUp(place, path, passphrase);
      const bytes = readFileSync(path);
      const options = { replace: true, ...(passphrase !== undefined && { passphrase }) };
      const start = bytes.indexOf(0x0a) + 1;
      const refuse = (bad: Buffer) => {
        writeFileSync(file("bad.backup"), bad);
        return assert.rejects(place.restore(file("bad.backup"), options), BackupError);
      };
      const steps = passphrase === undefined ? 12 : 1;
      for (let step = 0; step <= steps; step += 1) {
        const at = start + Math.floor(((bytes.length - 1 - start) * step) / steps);
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 1;
        await refuse(flipped);
        if (step < steps) await refuse(bytes.subarray(0, at));
      }
      await refuse(Buffer.concat([bytes, Buffer.from([0])]));
      assert.deepEqual(await contentOf(place), before);
    }
    await assert.rejects(
      place.restore(file("sealed.backup"), { replace: true, passphrase: "wrong" }),
      /passphrase/,
    );
    await assert.rejects(place.restore(file("sealed.backup"), { replace: true }), /a passphrase is needed/);
    const sealed = readFileSync(file("sealed.backup"), "latin1");
    assert.ok(!sealed.includes("argon2id"));
    writeFileSync(file("other"), "PK\u0003\u0004");
    await assert.rejects(openBackup(file("other")), /is no backup/);
    truncateSync(file("other"));
    await assert.rejects(openBackup(file("other")), /is no backup/);
  });

  it("REGRESSION: nothing that was revoked since comes back where that is known", async (context) => {
    const file = temporaryFolder(context);
    const clock = new TestClock();
    for (const place of [sqlite(file("a.db"), clock), await postgres(clock)]) {
      await fillStore(place, clock);
      const path = file(`${Math.random()}.backup`);
      await backUp(place, path);
      const store = await place.open();
      await store.apiKeys.revoke("k0", { reason: "leaked", by: "1" });
      await store.apiKeys.setDisabled("k2", true);
      await store.users.update("2", { isActive: false });
      const late = await store.users.create({ username: "late" });
      await store.close();
      clock.ms += 5000;
      const { keysStillRevoked, usersStillDisabled, sessionsEnded } = await place.restore(path, {
        replace: true,
      });
      assert.deepEqual([keysStillRevoked, usersStillDisabled, sessionsEnded], [2, 1, 1]);
      const after = await place.open();
      assert.equal((await after.apiKeys.load("k0"))?.revokedReason, "leaked");
      assert.ok((await after.apiKeys.load("k2"))?.disabledAt);
      assert.equal((await after.users.load("2"))?.isActive, false);
      assert.equal(await after.users.load(late.id), undefined);
      assert.equal((await after.users.create({ username: "new" })).id, String(BigInt(late.id) + 1n));
      assert.ok((await after.sessions.load("s1"))?.revokedAt);
      await after.close();
    }
  });

  it("REGRESSION: nodes that follow the log start over, also when as many entries came since", async (context) => {
    const file = temporaryFolder(context);
    const clock = new TestClock();
    for (const place of [sqlite(file("a.db"), clock), await postgres(clock)]) {
      await fillStore(place, clock);
      const path = file(`${Math.random()}.backup`);
      await backUp(place, path);
      const store = await place.open();
      const view = createRevocations();
      const errors: unknown[] = [];
      const follower = createRevocationFollower({
        log: store.revocations,
        view,
        pollEveryMs: 600_000,
        now: clock.now,
        onError: (error) => errors.push(error),
      });
      await follower.start();
      const cachedAt = view.version;
      const old = { userId: "1", issuedAt: clock.ms / 1000 };
      assert.equal(view.check(old, cachedAt), "good");
      clock.ms += 60_000;
      await place.restore(path, { replace: true });
      await follower.catchUp();
      assert.equal(view.check({ keyId: "k0" }, cachedAt), "stale");
      assert.equal(view.check(old, cachedAt), "token-revoked");
      assert.equal(view.check({ issuer: "https://id", jti: "j" }, view.version), "token-revoked");
      assert.equal(view.check({ userId: "1", issuedAt: clock.ms / 1000 + 1 }, view.version), "good");
      await store.revocations.append([{ kind: "session", sessionId: "s9", expiresAt: clock.ms / 1000 + 60 }]);
      await follower.catchUp();
      assert.equal(view.check({ sessionId: "s9" }, view.version), "token-revoked");
      assert.deepEqual(errors, []);
      await follower.stop();
      await store.close();
    }
  });
});
