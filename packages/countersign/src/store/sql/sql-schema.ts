import type { Generated } from "kysely";
import type { ApiKeyRow } from "../api-key-row.ts";
import type { AuditHead } from "../audit-chain.ts";
import type { AuditRow } from "../audit-row.ts";
import type { RoleRow } from "../role-row.ts";
import type { SessionRow } from "../session-row.ts";
import type { SigningKeyRow } from "../signing-key-row.ts";
import type { TotpRow } from "../totp-row.ts";
import type { UserRow } from "../user-row.ts";

/**
 * The tables as queries see them. 64-bit ids go in as bigint and come out as text (`cast`), because neither SQLite's
 * nor PostgreSQL's driver gives them back exactly as they are. Other integers are below 2^53.
 */
export interface SqlSchema {
  readonly countersign_schema: SchemaTable;
  readonly users: UsersTable;
  readonly roles: RoleRow;
  readonly user_roles: UserRolesTable;
  readonly api_keys: ApiKeysTable;
  readonly revocation_log: RevocationLogTable;
  readonly revocation_head: RevocationHeadTable;
  readonly sessions: SessionsTable;
  readonly token_cuts: TokenCutsTable;
  readonly login_attempts: LoginAttemptsTable;
  readonly known_networks: KnownNetworksTable;
  readonly totp: TotpTable;
  readonly recovery_codes: RecoveryCodesTable;
  readonly linked_identities: LinkedIdentitiesTable;
  readonly former_identities: FormerIdentitiesTable;
  readonly signing_keys: SigningKeyRow;
  readonly audit_log: AuditRow;
  readonly audit_head: AuditHeadTable;
}

/** One row for each migration that was applied. */
export interface SchemaTable {
  readonly version: number;
  readonly name: string;
  readonly applied_at: number;
}

export interface UsersTable extends Omit<UserRow, "id" | "roles"> {
  /** Rises and is never given twice. */
  readonly id: Generated<bigint>;
}

/** Goes with its user, and with its role. */
export interface UserRolesTable {
  readonly user_id: bigint;
  readonly role: string;
  readonly assigned_at: number;
}

/** A key outlives its user, so that `user_id` is no foreign key. */
export interface ApiKeysTable extends Omit<ApiKeyRow, "user_id"> {
  readonly user_id: bigint;
}

export interface RevocationLogTable {
  readonly sequence: number;
  /** A `RevocationEvent` as JSON. */
  readonly event: string;
  /** Milliseconds since the epoch; null for what the user's or key's own record tells as well. */
  readonly expires_at: number | null;
  readonly created_at: number;
}

/** One row, changed in the transaction of every append: numbers without gaps, in the order of commit. */
export interface RevocationHeadTable {
  readonly id: number;
  readonly sequence: number;
  /** The highest number that was pruned. */
  readonly pruned: number;
}

/** A session outlives its user, so that `user_id` is no foreign key. */
export interface SessionsTable extends Omit<SessionRow, "user_id"> {
  readonly user_id: bigint;
}

/** The last "log out everywhere" of each user. Goes with its user. */
export interface TokenCutsTable {
  readonly user_id: bigint;
  /** Milliseconds since the epoch: tokens issued before are revoked. */
  readonly cut: number;
}

export interface LoginAttemptsTable {
  /** SHA-256 of the identity. */
  readonly identity: Uint8Array;
  /** A JSON array of instants in ascending order. */
  readonly guesses: string;
  readonly expires_at: number;
}

/** From where a user has logged in. Goes with its user. */
export interface KnownNetworksTable {
  readonly user_id: bigint;
  readonly network: string;
  readonly expires_at: number;
}

/** Goes with its user. */
export interface TotpTable extends Omit<TotpRow, "user_id"> {
  readonly user_id: bigint;
}

/** Unused ones; they go when they are used, and with their user. */
export interface RecoveryCodesTable {
  readonly user_id: bigint;
  readonly digest: Uint8Array;
}

/** Goes with its user. */
export interface LinkedIdentitiesTable {
  readonly issuer: string;
  readonly subject: string;
  readonly user_id: bigint;
  readonly linked_at: number;
}

/** What was linked once and is not now. Outlives its user. */
export interface FormerIdentitiesTable {
  readonly issuer: string;
  readonly subject: string;
  readonly unlinked_at: number;
}

/** One row, changed in the transaction of every append: numbers without gaps, in the order of commit. */
export interface AuditHeadTable extends AuditHead {
  readonly id: number;
}
