import type { DescService } from "@bufbuild/protobuf";
import {
  ApiKeyService,
  AuditService,
  AuthService,
  LimitService,
  LogService,
  PolicyService,
  RevocationService,
  RoleService,
  SigningKeyService,
  SystemService,
  TenantService,
  TokenService,
  UserService,
} from "countersign/descriptors";
import type { Config } from "./config/config.ts";
import { UserService as DemoUserService } from "./gen/api/users/users_pb.ts";

/** Every service that this program can serve. */
export const servable: readonly DescService[] = [
  ...[AuthService, UserService, ApiKeyService, RoleService, SigningKeyService, TokenService, PolicyService],
  ...[LogService, TenantService, LimitService, RevocationService, SystemService, AuditService],
  DemoUserService,
];

/** Those that the configuration names. */
export function servedBy(config: Config): readonly DescService[] {
  return servable.filter(({ typeName }) => config.services.includes(typeName));
}
