import type { SqlSchema } from "../sql-schema.ts";

/** What a backup carries, each table after those that it refers to. Another one must be placed here to compile. */
const order = {
  tenants: 1,
  users: 2,
  roles: 3,
  user_roles: 4,
  api_keys: 5,
  revocation_log: 6,
  revocation_head: 7,
  sessions: 8,
  token_cuts: 9,
  login_attempts: 10,
  known_networks: 11,
  totp: 12,
  recovery_codes: 13,
  linked_identities: 14,
  former_identities: 15,
  signing_keys: 16,
  secret_marks: 17,
  call_limits: 18,
  audit_log: 19,
  audit_head: 20,
} as const satisfies Readonly<Record<Exclude<keyof SqlSchema, "countersign_schema">, number>>;

export type BackupTable = keyof typeof order;

export const backupTables: readonly BackupTable[] = Object.freeze(
  (Object.keys(order) as BackupTable[]).sort((a, b) => order[a] - order[b]),
);
