import { accessSync, constants, statSync } from "node:fs";
import type { SigningKeyRecord } from "countersign/store";
import { sqliteSchemaVersion } from "countersign/store/sqlite";
import type { Config } from "../config/config.ts";
import { databasePath } from "../database.ts";
import type { KnownSecrets } from "../secrets/known-secrets.ts";
import { hygieneOf } from "../stored-keys.ts";
import { type Check, fail, ok, warn } from "./check.ts";
import { checkKeys, storedKeyFindings } from "./keys.ts";
import { privacy } from "./privacy.ts";
import { type DatabaseSync, readSqlite } from "./read-sqlite.ts";
import { checkSchema, checkSuperuser } from "./schema.ts";

/** The folder of the database: is it there, for this user to write to and for nobody else to read? */
export function checkDataFolder({ data }: Config): Check {
  const name = "data folder";
  const found = statSync(data, { throwIfNoEntry: false });
  if (found === undefined)
    return warn(name, `${data} is not there yet`, "countersign dev makes it; or set COUNTERSIGN_DATA");
  if (!found.isDirectory()) return fail(name, `${data} is not a folder`, "set COUNTERSIGN_DATA to a folder");
  try {
    accessSync(data, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return fail(
      name,
      `${data} is not writable for this user`,
      "give it to the user that the server runs as (chown)",
    );
  }
  return privacy(name, data, found, 0o700) ?? ok(name, data);
}

/** What was found out about a database by reading it. */
export interface DatabaseFindings {
  readonly checks: readonly Check[];
  /** When the newest of its records was written. */
  readonly newestRecord?: Date | undefined;
  /** Those that are not removed. */
  readonly signingKeys?: readonly SigningKeyRecord[] | undefined;
  /** Of a database whose schema is this program's. */
  readonly secrets?: KnownSecrets | undefined;
}

/** Looks at the SQLite database without changing it. */
export function examineDatabase(config: Config): DatabaseFindings {
  const path = databasePath(config);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    return {
      checks: [
        warn("database", `${path} is not there yet`, "countersign dev or countersign users create makes it"),
      ],
    };
  }
  const exposed = privacy("database file", path, found, 0o600);
  const checks = exposed === undefined ? [] : [exposed];
  let database: DatabaseSync | undefined;
  try {
    database = readSqlite(path);
    return examine((sql) => database?.prepare(sql).all() ?? [], config, checks);
  } catch (error) {
    const remedy = "see that nothing else uses the file, or restore it from a backup";
    return { checks: [...checks, fail("database", `${path}: ${(error as Error).message}`, remedy)] };
  } finally {
    database?.close();
  }
}

type Query = (sql: string) => readonly Readonly<Record<string, unknown>>[];

function examine(query: Query, config: Config, before: readonly Check[]): DatabaseFindings {
  const path = databasePath(config);
  const [faults] = query("pragma quick_check(1)");
  if (faults?.["quick_check"] !== "ok") {
    return {
      checks: [
        ...before,
        fail(
          "database",
          `${path} is damaged: ${String(faults?.["quick_check"])}`,
          "restore it from a backup",
        ),
      ],
    };
  }
  const tables = query("select name from sqlite_schema where type = 'table'").map(({ name }) => name);
  if (!tables.includes("countersign_schema")) {
    const remedy = tables.length === 0 ? "start countersign dev" : "set COUNTERSIGN_DATA to another folder";
    const detail = tables.length === 0 ? `${path} is empty` : `${path} belongs to another program`;
    return { checks: [...before, fail("database", detail, remedy)] };
  }
  const version = Number(
    query("select max(version) as version from countersign_schema")[0]?.["version"] ?? 0,
  );
  const checks = [...before, ok("database", `${path} opens, and is whole`), checkSchema(version)];
  if (version !== sqliteSchemaVersion) return { checks };
  return {
    checks: [
      ...checks,
      checkSuperuser(firstSuperuser(query)),
      checkKeys(storedKeyFindings(query, hygieneOf(config))),
    ],
    newestRecord: newestRecord(query),
    signingKeys: signingKeys(query),
    secrets: knownSecrets(query),
  };
}

function knownSecrets(query: Query): KnownSecrets {
  const use = query(`select pepper_id, count(*) as keys from api_keys
    where revoked_at is null and coalesce(grace_ends_at, expires_at, ${Date.now() + 1}) > ${Date.now()} and length(digest) > 0 group by pepper_id order by 1`);
  return {
    marks: query("select name, mark from secret_marks").map(({ name, mark }) => ({
      name: String(name),
      mark: mark as Uint8Array,
    })),
    pepperUse: use.map(({ pepper_id, keys }) => ({ id: String(pepper_id), keys: Number(keys) })),
  };
}

function signingKeys(query: Query): readonly SigningKeyRecord[] {
  const date = (at: unknown): Date | undefined => (at === null ? undefined : new Date(Number(at)));
  const rows = query(`select * from signing_keys where coalesce(removed_at > ${Date.now()}, true)`);
  return rows.map((row) => ({
    kid: String(row["kid"]),
    algorithm: String(row["algorithm"]),
    publicJwk: undefined,
    sealedKey: row["sealed_key"] as Uint8Array,
    lifetimeSeconds: Number(row["lifetime_seconds"]),
    createdAt: new Date(Number(row["created_at"])),
    activeFrom: new Date(Number(row["active_from"])),
    retiredAt: date(row["retired_at"]),
    removedAt: date(row["removed_at"]),
  }));
}

function firstSuperuser(query: Query): string | undefined {
  const [first] = query(
    "select username from users where is_superuser = 1 and is_active = 1 order by id limit 1",
  );
  return first && String(first["username"]);
}

function newestRecord(query: Query): Date | undefined {
  const sql = `select max(at) as at from (
    select max(updated_at) as at from users union all
    select max(created_at) from api_keys union all
    select max(last_used_at) from api_keys)`;
  const at = query(sql)[0]?.["at"];
  return typeof at === "number" ? new Date(at) : undefined;
}
