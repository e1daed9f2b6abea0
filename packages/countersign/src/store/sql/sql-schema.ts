import type { Generated } from "kysely";
import type { ApiKeyRow } from "../api-key-row.ts";
import type { AuditHead } from "../audit-chain.ts";
import type { AuditRow } from "../audit-row.ts";
import type { RoleRow } from "../role-row.ts";
import type { SessionRow } from "../session-row.ts";
import type { SigningKeyRow } from "../signing-key-row.ts";
import type { TenantRow } from "../tenant-row.ts";
import type { TotpRow } from "../totp-row.ts";
import type { UserRow, UserRowElsewhere } from "../user-row.ts";

/**
 * The tables as queries see them. 64-bit ids go in as bigint and come out as text (`cast`), because neither SQLite's
 * nor PostgreSQL's driver gives them back exactly as they are. Other integers are below 2^53.
 */
export interface SqlSchema {
  readonly countersign_schema: SchemaTable;
  readonly tenants: TenantRow;
  readonly users: UsersTable;
  readonly roles: RoleRow;
  readonly user_roles: UserRolesTable;
  readonly api_keys: ApiKeysTable;
  readonly api_key_usage: ApiKeyUsageTable;
  readonly api_key_networks: ApiKeyNetworksTable;
  readonly api_key_scopes: ApiKeyScopesTable;
  readonly api_key_links: ApiKeyLinksTable;
  readonly usage_flushes: UsageFlushesTable;
  readonly imported_keys: ImportedKeysTable;
  readonly import_secrets: ImportSecretsTable;
  readonly revocation_log: RevocationLogTable;
  readonly revocation_head: RevocationHeadTable;
  readonly sessions: SessionsTable;
  readonly token_cuts: TokenCutsTable;
  readonly login_attempts: LoginAttemptsTable;
  readonly known_networks: KnownNetworksTable;
  readonly call_limits: CallLimitsTable;
  readonly totp: TotpTable;
  readonly recovery_codes: RecoveryCodesTable;
  readonly linked_identities: LinkedIdentitiesTable;
  readonly former_identities: FormerIdentitiesTable;
  readonly signing_keys: SigningKeyRow;
  readonly secret_marks: SecretMarksTable;
  readonly nodes: NodesTable;
  readonly audit_log: AuditRow;
  readonly audit_head: AuditHeadTable;
}

/** One row for each migration that was applied. */
export interface SchemaTable {
  readonly version: number;
  readonly name: string;
  readonly applied_at: number;
}

export interface UsersTable extends Omit<UserRow, "id" | UserRowElsewhere> {
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

/** Counts of one key in an hour or on a day. Keys are never deleted, so that `key_id` is no foreign key here and below. */
export interface ApiKeyUsageTable {
  readonly key_id: string;
  readonly period: "hour" | "day";
  readonly starts_at: number;
  readonly allowed: number;
  readonly denied: number;
}

/** From where a key was used. */
export interface ApiKeyNetworksTable {
  readonly key_id: string;
  readonly network: string;
  readonly last_used_at: number;
}

/** The scopes of a key that said yes to something. */
export interface ApiKeyScopesTable {
  readonly key_id: string;
  readonly scope: string;
}

/** The last flush of each of those who count calls. */
export interface UsageFlushesTable {
  readonly writer: string;
  readonly number: number;
  readonly at: number;
}

/** A key that is given out by a link. */
export interface ApiKeyLinksTable {
  /** SHA-256 of the link's token. */
  readonly digest: Uint8Array;
  readonly key_id: string;
  /** Null once it was revealed. */
  readonly sealed: Uint8Array | null;
  readonly expires_at: number;
  readonly revealed_at: number | null;
}

/** How a key that was made elsewhere is recognised. After its first use only `lookup` is left, a digest of ours. */
export interface ImportedKeysTable {
  readonly key_id: string;
  readonly fingerprint: Uint8Array;
  readonly algorithm: string;
  readonly lookup: Uint8Array | null;
  readonly prefix: string | null;
  readonly hash: string | null;
  readonly secret_id: string | null;
  readonly imported_at: number;
  readonly first_used_at: number | null;
}

export interface ImportSecretsTable {
  readonly id: string;
  readonly sealed: Uint8Array;
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

export interface CallLimitsTable {
  /** SHA-256 of the limit and the subject. */
  readonly id: Uint8Array;
  /** A JSON array of slots. */
  readonly slots: string;
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

/** Instants are milliseconds since the epoch. */
export interface NodesTable {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly started_at: number;
  readonly last_seen_at: number;
  readonly grpc_address: string;
  readonly http_address: string;
  readonly revocation_head: number;
  readonly revocation_lag: number;
  readonly revocations_known_at: number;
}

/** By what secrets of the configuration are recognised. */
export interface SecretMarksTable {
  readonly name: string;
  readonly mark: Uint8Array;
  readonly since: number;
}

/** One row, changed in the transaction of every append: numbers without gaps, in the order of commit. */
export interface AuditHeadTable extends AuditHead {
  readonly id: number;
}
