// What every store has in common, for programs that put one together.
export { apiKeyStatus } from "./store/api-key-status.ts";
export type {
  AuditAnchor,
  AuditEntry,
  AuditFault,
  AuditFilter,
  AuditOptions,
  AuditOrigin,
  AuditProgress,
  AuditQuery,
  AuditRecord,
  AuditStore,
  AuditVerdict,
} from "./store/audit-contracts.ts";
export { builtInRoles } from "./store/built-in-roles.ts";
export type {
  ApiKeyQuery,
  ApiKeyRecord,
  ApiKeySource,
  ApiKeyStatus,
  ApiKeyStore,
  ApiKeyUsage,
  NewApiKey,
  NewUser,
  RevocationLog,
  RevocationLogEntry,
  Store,
  UserPatch,
  UserQuery,
  UserRecord,
  UserStore,
} from "./store/contracts.ts";
export { Conflict, StoreUnavailable } from "./store/contracts.ts";
export type { StoreObserver, StoreOperation, StoreReadings } from "./store/observation.ts";
export type { PostgresUrl } from "./store/postgres-url.ts";
export { readPostgresUrl } from "./store/postgres-url.ts";
export type {
  FollowerReadings,
  RevocationFollower,
  RevocationFollowerOptions,
} from "./store/revocation-follower.ts";
export { createRevocationFollower } from "./store/revocation-follower.ts";
export type { NewRole, RolePatch, RoleQuery, RoleRecord, RoleStore } from "./store/role-contracts.ts";
export type {
  AttemptRule,
  AttemptStore,
  AttemptVerdict,
  Identity,
  IdentityStore,
  LinkedIdentity,
  NewSession,
  NewSigningKey,
  PlainUser,
  Provisioning,
  RevokeAll,
  Rotation,
  RotationResult,
  SessionQuery,
  SessionRecord,
  SessionStore,
  SessionStores,
  SigningKeyRecord,
  SigningKeyStore,
  TotpRecord,
  TotpStore,
  Why,
} from "./store/session-contracts.ts";
export type { UsageRecorder, UsageRecorderOptions } from "./store/usage.ts";
export { createUsageRecorder } from "./store/usage.ts";
