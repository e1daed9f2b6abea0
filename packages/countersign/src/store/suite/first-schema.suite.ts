/**
 * The schema of the first version as SQLite told it then. Databases with it exist, so it is written down here and not
 * made by the migration that is tested with it.
 */
export const firstSchema: readonly string[] = [
  'CREATE TABLE "countersign_schema" ("version" integer primary key, "name" text not null, "applied_at" bigint not null)',
  'CREATE TABLE "users" ("id" integer primary key autoincrement, "username" text not null, "username_folded" text not null unique, "email" text, "email_folded" text unique, "is_active" integer not null, "is_staff" integer not null, "is_superuser" integer not null, "password_hash" text, "attributes" text not null, "created_at" bigint not null, "updated_at" bigint not null)',
  'CREATE INDEX "users_superusers" on "users" ("id") where "is_superuser" = 1',
  'CREATE TABLE "api_keys" ("id" text not null primary key, "name" text not null, "description" text not null, "type" text not null, "user_id" bigint not null, "digest" blob not null, "pepper_id" text not null, "scopes" text not null, "created_at" bigint not null, "expires_at" bigint, "disabled_at" bigint, "revoked_at" bigint, "revoked_reason" text, "revoked_by" text, "last_used_at" bigint, "total_requests" bigint not null)',
  'CREATE UNIQUE INDEX "api_keys_names" on "api_keys" ("user_id", "name") where "revoked_at" is null',
  'CREATE INDEX "api_keys_newest" on "api_keys" ("created_at", "id")',
  'CREATE INDEX "api_keys_newest_of_user" on "api_keys" ("user_id", "created_at", "id")',
  'CREATE TABLE "revocation_log" ("sequence" integer primary key, "event" text not null, "expires_at" bigint, "created_at" bigint not null)',
  'CREATE TABLE "revocation_head" ("id" integer primary key, "sequence" bigint not null, "pruned" bigint not null)',
];

/** What a database of the first version may hold: users 1 and 3, a key of each, one of them revoked. */
export const firstContent: readonly string[] = [
  "insert into countersign_schema values (1, 'users, API keys and revocations', 1700000000000)",
  `insert into users values
     (1, 'Ada', 'ada', 'ada@x.org', 'ada@x.org', 1, 1, 1, '$argon2id$1', '{"team":"engines"}', 1700000000000, 1700000000001),
     (3, 'bob', 'bob', null, null, 1, 0, 0, null, '{}', 1700000000002, 1700000000003)`,
  `insert into api_keys values
     ('k1', 'ci', '', 'service', 1, x'00ff', 'p1', '["a"]', 1700000000004, null, null, null, null, null, 1700000000009, 7),
     ('k3', 'old', '', 'cli', 3, x'01', 'p1', '[]', 1700000000005, null, null, 1700000000006, 'lost', '1', null, 0)`,
  `insert into revocation_log values (1, '{"kind":"key","keyId":"k3","state":"revoked"}', null, 1700000000006)`,
  "insert into revocation_head values (1, 1, 0)",
  "update sqlite_sequence set seq = 4 where name = 'users'",
];
