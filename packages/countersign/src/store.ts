// What every store has in common, for programs that put one together.

export type { LimitStore } from "./limits/limit-store.ts";
export type {
  ApiKeyLimits,
  ApiKeyOrder,
  ApiKeyPatch,
  ApiKeyPosition,
  ApiKeyRotation,
  ApiKeySort,
  ApiKeyTraces,
  KeyWhy,
  NewKeyLink,
  Reveal,
  SeenNetwork,
  UsageCount,
  UsageOfKeysQuery,
  UsagePeriod,
  UsageQuery,
} from "./store/api-key-contracts.ts";
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
  UsageFlush,
  UserPatch,
  UserQuery,
  UserRecord,
  UserStore,
} from "./store/contracts.ts";
export { Conflict, StoreUnavailable } from "./store/contracts.ts";
export type { HygieneKey, HygieneRules, KeyFinding, KeyFindingKind } from "./store/key-hygiene.ts";
export { countKeyFindings, keyFindings } from "./store/key-hygiene.ts";
export type {
  ImportedKey,
  KeyImportProgress,
  KeyImportState,
  KeyImportStore,
  NewKeyImport,
} from "./store/key-import-contracts.ts";
export type { NodeBeat, NodeRecord, NodeStore } from "./store/node-contracts.ts";
export type { StoreObserver, StoreOperation, StoreReadings } from "./store/observation.ts";
export type { PostgresUrl } from "./store/postgres-url.ts";
export { readPostgresUrl } from "./store/postgres-url.ts";
export type { Redigester, RedigesterOptions } from "./store/redigester.ts";
export { createRedigester } from "./store/redigester.ts";
export type { RedisUrl } from "./store/redis-url.ts";
export { readRedisUrl } from "./store/redis-url.ts";
export type {
  RequestBatch,
  RequestDimension,
  RequestFigures,
  RequestFilter,
  RequestGroup,
  RequestLog,
  RequestPage,
  RequestPoint,
  RequestPosition,
  RequestQuery,
  RequestRecord,
  RequestRetention,
  RequestStatistics,
  RequestStep,
  SeriesQuery,
  StatisticsQuery,
  StoredRequest,
} from "./store/request-contracts.ts";
export type { RequestRecorder, RequestRecorderOptions } from "./store/request-recorder.ts";
export { createRequestRecorder } from "./store/request-recorder.ts";
export type {
  FollowerReadings,
  RevocationFollower,
  RevocationFollowerOptions,
} from "./store/revocation-follower.ts";
export { createRevocationFollower } from "./store/revocation-follower.ts";
export type { NewRole, RolePatch, RoleQuery, RoleRecord, RoleStore } from "./store/role-contracts.ts";
export type {
  PepperUse,
  Redigested,
  Resealed,
  SealedSecret,
  SecretMark,
  SecretStore,
  StoredDigest,
} from "./store/secret-contracts.ts";
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
export type {
  NewTenant,
  TenantPatch,
  TenantQuery,
  TenantRecord,
  TenantStore,
} from "./store/tenant-contracts.ts";
export type { UsageRecorder, UsageRecorderOptions } from "./store/usage.ts";
export { createUsageRecorder } from "./store/usage.ts";
export type { UsageOrigin } from "./store/usage-counter.ts";
