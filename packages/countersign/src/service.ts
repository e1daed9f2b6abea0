export type {
  ApiKey,
  ApiKeyFinding,
  AuditFilter,
  AuditRecord,
  CreateApiKeyResponse,
  Identity,
  ImportedApiKey,
  LeakedApiKey,
  Limit,
  LimitUsage,
  LoggedRequest,
  Node,
  Permission,
  Role,
  SigningKey,
  Tenant,
  User,
  VerifyAuditResponse,
} from "./descriptors.ts";
export {
  ApiKeyService,
  AuditService,
  AuthService,
  LimitService,
  LogService,
  PolicyService,
  permissionMessage,
  permissionText,
  RevocationService,
  RoleService,
  SigningKeyService,
  SystemService,
  TenantService,
  TokenService,
  UserService,
} from "./descriptors.ts";
export { loopbackAddresses } from "./limits/network.ts";
export type { ApiKeyServiceOptions } from "./service/api-key-service.ts";
export { createApiKeyService } from "./service/api-key-service.ts";
export type { AskingLimits, AskingLimitsOptions } from "./service/asking-limits.ts";
export { createAskingLimits } from "./service/asking-limits.ts";
export { auditOriginOfCall } from "./service/audit-origin.ts";
export type { AuditServiceOptions } from "./service/audit-service.ts";
export { createAuditService } from "./service/audit-service.ts";
export type { AuthServiceOptions, ValidateApiKey } from "./service/auth-service.ts";
export { createAuthService } from "./service/auth-service.ts";
export { importPurpose } from "./service/import-secret.ts";
export type {
  IssuedTo,
  IssuedTokens,
  TokenIssuer,
  TokenIssuerOptions,
} from "./service/issue-tokens.ts";
export { createTokenIssuer } from "./service/issue-tokens.ts";
export { revealPath } from "./service/key-desk.ts";
export type { RevealedKey } from "./service/key-link.ts";
export { revealKey } from "./service/key-link.ts";
export type { CountedIn, LimitServiceOptions } from "./service/limit-service.ts";
export { createLimitService } from "./service/limit-service.ts";
export type { LogServiceOptions } from "./service/log-service.ts";
export { createLogService } from "./service/log-service.ts";
export type { LoginLimitOptions } from "./service/login-limits.ts";
export type { Passwords } from "./service/passwords.ts";
export type { PolicyServiceOptions } from "./service/policy-service.ts";
export { createPolicyService } from "./service/policy-service.ts";
export type { ResealOptions, ResealResult } from "./service/reseal-secrets.ts";
export { resealSecrets } from "./service/reseal-secrets.ts";
export type { RevocationServiceOptions } from "./service/revocation-service.ts";
export { createRevocationService } from "./service/revocation-service.ts";
export type { RoleServiceOptions } from "./service/role-service.ts";
export { createRoleService } from "./service/role-service.ts";
export type { Lifetimes } from "./service/session-tokens.ts";
export { defaultLifetimes, tokenUser } from "./service/session-tokens.ts";
export type { SigningKeyServiceOptions } from "./service/signing-key-service.ts";
export { createSigningKeyService } from "./service/signing-key-service.ts";
export type { RenewStream, StreamRenewalService } from "./service/stream-renewal.ts";
export { createStreamRenewal, renewsStreams, StreamRenewal } from "./service/stream-renewal.ts";
export { isVisibleTo, tenantToList, visibleTo } from "./service/tenancy.ts";
export type { TenantServiceOptions } from "./service/tenant-service.ts";
export { createTenantService } from "./service/tenant-service.ts";
export type { Introspection, TokenEndpoints, TokenEndpointsOptions } from "./service/token-endpoints.ts";
export { createTokenEndpoints } from "./service/token-endpoints.ts";
export { tokenRoutes } from "./service/token-routes.ts";
export type { TokenServiceOptions } from "./service/token-service.ts";
export { createTokenService } from "./service/token-service.ts";
export type { UserServiceOptions } from "./service/user-service.ts";
export { createUserService } from "./service/user-service.ts";
export type { ValidatesApiKeysOptions } from "./service/validate-api-key.ts";
export { validatesApiKeys } from "./service/validate-api-key.ts";
export type { RefreshTokens } from "./session/refresh-token.ts";
export { createRefreshTokens } from "./session/refresh-token.ts";
export type { Seal } from "./session/seal.ts";
export { createSeal } from "./session/seal.ts";
