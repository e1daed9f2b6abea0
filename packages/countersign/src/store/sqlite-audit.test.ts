import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import type { AuditOptions, AuditVerdict } from "./audit-contracts.ts";
import { type Store, StoreUnavailable } from "./contracts.ts";
import { liftAppendOnly } from "./sql/sqlite/append-only.ts";
import { openSqliteStore } from "./sqlite.ts";
import { auditedChanges, prepareChange } from "./suite/audited-changes.suite.ts";
import { verdictOf } from "./suite/session-case.suite.ts";
import { TestClock } from "./suite/store-case.suite.ts";
import { temporaryFolder } from "./suite/temporary-folder.suite.ts";

const key = randomBytes(32);
const entry = { action: "a", target: "t", details: {} };

/** Somebody who has the database, and may do everything with it. */
function beside<T>(path: string, work: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function tamper(path: string, ...statements: string[]): void {
  beside(path, (database) => {
    for (const statement of [...liftAppendOnly("audit_log"), ...statements]) database.exec(statement);
  });
}

/** Every row of every table. */
function everything(path: string): unknown {
  return beside(path, (database) =>
    database
      .prepare("select name from sqlite_schema where type = 'table' order by name")
      .all()
      .map(({ name }) => [name, database.prepare(`select * from "${String(name)}"`).all()]),
  );
}

async function withStore<T>(
  path: string,
  audit: AuditOptions,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openSqliteStore({ path, audit });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const verdict = (path: string, audit: AuditOptions = {}): Promise<AuditVerdict> =>
  withStore(path, audit, (store) => verdictOf(store.audit.verify()));

async function fiveRows(context: TestContext, audit: AuditOptions): Promise<string> {
  const path = temporaryFolder(context)("store.db");
  await withStore(path, audit, async (store) => {
    for (let n = 1; n <= 5; n += 1) await store.audit.append({ ...entry, details: { n: String(n) } });
  });
  return path;
}

describe("SQLite: no audit row, no change", () => {
  for (const [name, audited] of Object.entries(auditedChanges)) {
    it(`${name} changes nothing where its row cannot be written`, async (context) => {
      const path = temporaryFolder(context)("store.db");
      const clock = new TestClock();
      const store = await openSqliteStore({ path, now: clock.now });
      context.after(() => store.close());
      await prepareChange(store, clock, audited);
      beside(path, (database) =>
        database.exec(
          "create trigger full before insert on audit_log begin select raise(abort, 'the disk is full'); end",
        ),
      );
      const before = everything(path);
      await assert.rejects(audited.change(store, clock));
      assert.deepEqual(everything(path), before);
    });
  }
});

describe("SQLite: the chain of the audit log", () => {
  const tamperings: Readonly<Record<string, readonly [string[], number, string]>> = {
    "a changed row": [["update audit_log set details = '{}' where sequence = 3"], 3, "changed"],
    "a changed instant": [["update audit_log set at = at + 1 where sequence = 1"], 1, "changed"],
    "an actor in another column": [
      ["update audit_log set api_key = actor, actor = '' where sequence = 2"],
      2,
      "changed",
    ],
    "a row of another tenant": [["update audit_log set tenant = 'acme' where sequence = 2"], 2, "changed"],
    "a removed row": [["delete from audit_log where sequence = 3"], 3, "missing"],
    "a removed row, and numbers without a gap": [
      [
        "delete from audit_log where sequence = 3",
        "update audit_log set sequence = sequence - 1 where sequence > 3",
      ],
      3,
      "changed",
    ],
    "rows in another order": [
      [
        "update audit_log set sequence = -4 where sequence = 4",
        "update audit_log set sequence = 4 where sequence = 2",
        "update audit_log set sequence = 2 where sequence = -4",
      ],
      2,
      "changed",
    ],
    "an end that is cut off": [["delete from audit_log where sequence > 3"], 4, "cut"],
    "a row at the end that the head does not know": [
      [
        "insert into audit_log (sequence, at, actor, action, target, details, hash) values (6, 0, '', '', '', '{}', '')",
      ],
      6,
      "added",
    ],
    "a whole log that is gone": [["delete from audit_log"], 1, "cut"],
  };
  for (const [name, [statements, sequence, fault]] of Object.entries(tamperings)) {
    it(`finds ${name}`, async (context) => {
      const path = await fiveRows(context, {});
      assert.equal((await verdict(path)).broken, undefined);
      tamper(path, ...statements);
      assert.deepEqual((await verdict(path)).broken, { sequence, fault });
    });
  }

  it("cannot be written anew by somebody who has the database alone", async (context) => {
    const path = await fiveRows(context, { keys: [key] });
    const good = await verdict(path, { keys: [key] });
    assert.deepEqual([good.broken, good.sealedFrom, good.checked], [undefined, 1, 5]);
    // With all that this program does, and a key of their own: a log in which row 4 never was.
    const forger = randomBytes(32);
    for (const keys of [[], [forger]]) {
      const copy = await forgedWithoutRowFour(context, path, keys);
      assert.equal((await verdict(copy)).broken, undefined, "the chain itself is sound");
      const { broken } = await verdict(copy, { keys: [key] });
      assert.deepEqual(broken, { sequence: 4, fault: keys.length === 0 ? "unsealed" : "forged" });
    }
  });

  it("says that it is not sealed with the key that is known", async (context) => {
    const path = await fiveRows(context, { keys: [randomBytes(32)] });
    const { broken } = await verdict(path, { keys: [key] });
    assert.deepEqual(broken, { sequence: 1, fault: "never sealed" });
  });

  it("goes on under another key, and is good for whoever knows both", async (context) => {
    const path = await fiveRows(context, { keys: [key] });
    const next = randomBytes(32);
    await withStore(path, { keys: [next, key] }, (store) => store.audit.append(entry));
    assert.equal((await verdict(path, { keys: [next, key] })).broken, undefined);
    assert.deepEqual((await verdict(path, { keys: [key] })).broken, { sequence: 6, fault: "forged" });
    const later = await verdict(path, { keys: [next] });
    assert.deepEqual([later.broken, later.sealedFrom], [undefined, 6]);
  });

  it("is written by nobody who cannot seal it, once it is sealed", async (context) => {
    const path = await fiveRows(context, { keys: [key] });
    const before = everything(path);
    await withStore(path, {}, async (store) => {
      await assert.rejects(store.users.create({ username: "eve" }), (error) => {
        assert.ok(error instanceof StoreUnavailable);
        assert.match(error.message, /sealed with a master key that this process does not have/);
        return true;
      });
    });
    assert.deepEqual(everything(path), before);
  });

  it("is sealed from where a key is first there", async (context) => {
    const path = await fiveRows(context, {});
    for (let n = 0; n < 2; n += 1) await verdict(path, { keys: [key] });
    const { broken, sealedFrom, checked } = await verdict(path, { keys: [key] });
    assert.deepEqual([broken, sealedFrom, checked], [undefined, 6, 6]);
    await withStore(path, { keys: [key] }, async (store) => {
      const [row] = await store.audit.list({ limit: 1 });
      assert.deepEqual([row?.actor, row?.action, row?.details], ["system", "audit.sealed", { rows: "5" }]);
    });
  });

  it("makes a chain of the rows of before", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const { migrate } = await import("./sql/migrate.ts");
    const { migrations } = await import("./sql/migrations.ts");
    const { openSqliteBackend } = await import("./sql/sqlite/sqlite-backend.ts");
    const backend = await openSqliteBackend({ path, busyTimeoutMs: 5000 });
    const chaining = migrations.findIndex(({ name }) => name.includes("chain"));
    await migrate(backend, { name: path, now: Date.now, steps: migrations.slice(0, chaining) });
    await backend.close();
    beside(path, (database) => {
      const insert = database.prepare("insert into audit_log values (?, ?, 'x', 'a', 't', '{}', null)");
      for (let n = 1; n <= 2500; n += 1) insert.run(n, n);
      database.exec("update audit_head set sequence = 2500");
    });
    const { broken, checked } = await verdict(path);
    assert.deepEqual([broken, checked], [undefined, 2500]);
    tamper(path, "update audit_log set actor = 'y' where sequence = 1700");
    assert.deepEqual((await verdict(path)).broken, { sequence: 1700, fault: "changed" });
  });
});

/** What somebody can do who has the database, this program and any key but the right one. */
async function forgedWithoutRowFour(
  context: TestContext,
  path: string,
  keys: readonly Uint8Array[],
): Promise<string> {
  const copy = temporaryFolder(context)("forged.db");
  beside(path, (database) => database.exec(`vacuum into '${copy}'`));
  tamper(
    copy,
    "delete from audit_log where sequence > 3",
    "update audit_head set sequence = 3, sealed = 0, hash = (select hash from audit_log where sequence = 3)",
  );
  await withStore(copy, { keys }, (store) => store.audit.append({ ...entry, details: { n: "5" } }));
  return copy;
}
