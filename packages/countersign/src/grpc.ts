export { AuthRequiredService, BaseService } from "./context/base-service.ts";
export { CallContext, currentCall } from "./context/call-context.ts";
export type { RpcHandler, ServiceHandlers } from "./context/service-handlers.ts";
export type { GrpcAuth, GrpcAuthOptions } from "./grpc/grpc-auth.ts";
export { grpcAuth } from "./grpc/grpc-auth.ts";
export { GuardedServer } from "./grpc/guarded-server.ts";
export type { BoundService } from "./grpc/implement.ts";
export { implement, serviceDefinition } from "./grpc/implement.ts";
export { silenceGrpcValues } from "./grpc/redacting-logger.ts";
