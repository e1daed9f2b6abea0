export type {
  ApiKey,
  ApiKeyFinding,
  CreateApiKeyResponse,
  ImportedApiKey,
  LeakedApiKey,
} from "./gen/auth/v1/api_keys_pb.ts";
export { ApiKeyService } from "./gen/auth/v1/api_keys_pb.ts";
export type { AuditFilter, AuditRecord, VerifyAuditResponse } from "./gen/auth/v1/audit_pb.ts";
export { AuditService } from "./gen/auth/v1/audit_pb.ts";
export { AuthService } from "./gen/auth/v1/auth_pb.ts";
export type { Limit, LimitUsage } from "./gen/auth/v1/limits_pb.ts";
export { LimitService } from "./gen/auth/v1/limits_pb.ts";
export type { LoggedRequest } from "./gen/auth/v1/logs_pb.ts";
export { LogService } from "./gen/auth/v1/logs_pb.ts";
export { PolicyService } from "./gen/auth/v1/policy_service_pb.ts";
export { RevocationService } from "./gen/auth/v1/revocations_pb.ts";
export type { Permission, Role } from "./gen/auth/v1/roles_pb.ts";
export { RoleService } from "./gen/auth/v1/roles_pb.ts";
export type { SigningKey } from "./gen/auth/v1/signing_keys_pb.ts";
export { SigningKeyService } from "./gen/auth/v1/signing_keys_pb.ts";
export type { Node } from "./gen/auth/v1/system_pb.ts";
export { SystemService } from "./gen/auth/v1/system_pb.ts";
export type { Tenant } from "./gen/auth/v1/tenants_pb.ts";
export { TenantService } from "./gen/auth/v1/tenants_pb.ts";
export { TokenService } from "./gen/auth/v1/tokens_pb.ts";
export type { Identity, User } from "./gen/auth/v1/users_pb.ts";
export { UserService } from "./gen/auth/v1/users_pb.ts";
export { permissionMessage, permissionText } from "./service/permission-message.ts";
