import type { SqlSchema } from "../sql-schema.ts";

/** What a backup carries, each table after those that it refers to. Another one must be placed here to compile. */
const order = {
  users: 1,
  roles: 2,
  user_roles: 3,
  api_keys: 4,
  revocation_log: 5,
  revocation_head: 6,
  sessions: 7,
  token_cuts: 8,
  login_attempts: 9,
  known_networks: 10,
  totp: 11,
  recovery_codes: 12,
  linked_identities: 13,
  former_identities: 14,
  signing_keys: 15,
  secret_marks: 16,
  audit_log: 17,
  audit_head: 18,
} as const satisfies Readonly<Record<Exclude<keyof SqlSchema, "countersign_schema">, number>>;

export type BackupTable = keyof typeof order;

export const backupTables: readonly BackupTable[] = Object.freeze(
  (Object.keys(order) as BackupTable[]).sort((a, b) => order[a] - order[b]),
);
