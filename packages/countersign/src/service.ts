export type { ApiKey } from "./gen/auth/v1/api_keys_pb.ts";
export { ApiKeyService } from "./gen/auth/v1/api_keys_pb.ts";
export type { User } from "./gen/auth/v1/users_pb.ts";
export { UserService } from "./gen/auth/v1/users_pb.ts";
export type { ApiKeyServiceOptions } from "./service/api-key-service.ts";
export { createApiKeyService } from "./service/api-key-service.ts";
export type { UserServiceOptions } from "./service/user-service.ts";
export { createUserService } from "./service/user-service.ts";
