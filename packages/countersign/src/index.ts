// For applications.

export type { CredentialFacts } from "./authenticator/account.ts";
export { principalOf } from "./authenticator/account.ts";
export { CallContext, currentCall } from "./context/call-context.ts";
export type { Auth, AuthOptions } from "./core/auth.ts";
export { createAuth } from "./core/auth.ts";
// For authenticators and adapters.
export type { Authenticate, Authenticator, AuthRuntime } from "./core/authenticator.ts";
export type { CacheReadings, NamedCache } from "./core/cache-readings.ts";
export type { Call, Peer } from "./core/call.ts";
export type { AllowancePeriod, CallAllowance } from "./core/call-allowance.ts";
export type { CallStatus, FieldViolation } from "./core/call-error.ts";
export { CallError, invalidArgument, Unavailable } from "./core/call-error.ts";
export type { Allowed, Decision, Denied, MaybePromise } from "./core/decision.ts";
export { allow, deny } from "./core/decision.ts";
export type {
  Denial,
  DenialDetail,
  DenialSubject,
  QuotaViolation,
  Reason,
  WireStatus,
} from "./core/denial.ts";
export { denial, statusOf } from "./core/denial.ts";
export type { EndedCall, FollowedCall } from "./core/followed-call.ts";
export type { Guard } from "./core/guard.ts";
export { allOf, anyOf, not } from "./core/guard.ts";
export {
  allowAny,
  fromAuthenticator,
  hasAllPermissions,
  hasAnyPermission,
  hasPermission,
  hasRole,
  hasScope,
  inTenant,
  isAdminUser,
  isAuthenticated,
  isStaff,
  isSuperuser,
  maxAuthAge,
  ofInstallation,
  requireMfa,
} from "./core/guards.ts";
export type { CallLimit, CallLimiter, CredentialThrottle, Quota, RateLimit } from "./core/limit.ts";
export { type PermissionPattern, parsePermission, permissionProblem } from "./core/permission.ts";
export { compilePermissions, type PermissionSet } from "./core/permission-set.ts";
export type { Mode, PolicyBuilder, Rule, RuleTable } from "./core/policy.ts";
export { policyFor } from "./core/policy.ts";
export type { ApiKeyIdentity, Principal } from "./core/principal.ts";
export { grants, holdsRole, permissionsOf } from "./core/principal.ts";
export { Refusal } from "./core/refusal.ts";
export type { RequestCheck, RequestGuardText } from "./core/request-guard.ts";
export { withRequest } from "./core/request-guard.ts";
export { requestIdHeader, requestIdOf } from "./core/request-id.ts";
export type { RevocationEvent, Revocations, RevocationView } from "./core/revocation.ts";
export { createRevocations } from "./core/revocation.ts";
export type {
  FedRevocations,
  NumberedRevocation,
  RevocationFeed,
  RevocationFeeder,
  RevocationFeedOptions,
} from "./core/revocation-feed.ts";
export { createRevocationFeed } from "./core/revocation-feed.ts";
export type { RoleDefinition, RoleSource } from "./core/role.ts";
export type { RoleDirectory, RoleDirectoryOptions } from "./core/role-directory.ts";
export { createRoleDirectory } from "./core/role-directory.ts";
export type { RouteGuards, RouteRule } from "./core/route-rule.ts";
export type { Door, Route, RuleListing } from "./core/rule-book.ts";
export type { Renewer, StreamRenewal } from "./core/stream-renewal.ts";
export { streamHeader } from "./core/stream-renewal.ts";
export type { UserAccount, UserSource } from "./core/user.ts";
