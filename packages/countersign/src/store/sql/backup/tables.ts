import type { SqlSchema } from "../sql-schema.ts";

/** What a backup carries, each table after those that it refers to. Another one must be placed here to compile. */
const order = {
  tenants: 1,
  users: 2,
  roles: 3,
  user_roles: 4,
  api_keys: 5,
  api_key_usage: 6,
  api_key_networks: 7,
  api_key_scopes: 8,
  api_key_links: 9,
  imported_keys: 10,
  import_secrets: 11,
  revocation_log: 12,
  revocation_head: 13,
  sessions: 14,
  token_cuts: 15,
  login_attempts: 16,
  known_networks: 17,
  totp: 18,
  recovery_codes: 19,
  linked_identities: 20,
  former_identities: 21,
  signing_keys: 22,
  secret_marks: 23,
  call_limits: 24,
  audit_log: 25,
  audit_head: 26,
  nodes: 27,
  usage_flushes: 28,
} as const satisfies Readonly<Record<Exclude<keyof SqlSchema, "countersign_schema">, number>>;

export type BackupTable = keyof typeof order;

export const backupTables: readonly BackupTable[] = Object.freeze(
  (Object.keys(order) as BackupTable[]).sort((a, b) => order[a] - order[b]),
);
