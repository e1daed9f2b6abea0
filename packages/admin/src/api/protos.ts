// The messages and services that the pages use: generated once, for the library.

export type { ApiKey, ApiKeyNetwork, ApiKeyUsage } from "../../../countersign/src/gen/auth/v1/api_keys_pb.ts";
export { ApiKeyService } from "../../../countersign/src/gen/auth/v1/api_keys_pb.ts";
export type {
  AuditFilterSchema,
  AuditRecord,
  VerifyAuditResponse,
} from "../../../countersign/src/gen/auth/v1/audit_pb.ts";
export { AuditService } from "../../../countersign/src/gen/auth/v1/audit_pb.ts";
export type { Session } from "../../../countersign/src/gen/auth/v1/auth_pb.ts";
export { AuthService } from "../../../countersign/src/gen/auth/v1/auth_pb.ts";
export type {
  LoggedRequest,
  RequestGroup,
  RequestPoint,
} from "../../../countersign/src/gen/auth/v1/logs_pb.ts";
export { LogService, RequestFilterSchema } from "../../../countersign/src/gen/auth/v1/logs_pb.ts";
export type { PolicyRule } from "../../../countersign/src/gen/auth/v1/policy_service_pb.ts";
export { PolicyService } from "../../../countersign/src/gen/auth/v1/policy_service_pb.ts";
export type { Permission, Role } from "../../../countersign/src/gen/auth/v1/roles_pb.ts";
export { RoleService } from "../../../countersign/src/gen/auth/v1/roles_pb.ts";
export type { SigningKey } from "../../../countersign/src/gen/auth/v1/signing_keys_pb.ts";
export { SigningKeyService } from "../../../countersign/src/gen/auth/v1/signing_keys_pb.ts";
export type { Node, Procedure } from "../../../countersign/src/gen/auth/v1/system_pb.ts";
export { SystemService } from "../../../countersign/src/gen/auth/v1/system_pb.ts";
export type { User } from "../../../countersign/src/gen/auth/v1/users_pb.ts";
export { UserService } from "../../../countersign/src/gen/auth/v1/users_pb.ts";
export { BadRequestSchema } from "../../../countersign/src/gen/google/rpc/error_details_pb.ts";
