export type { ConnectAuth, ConnectAuthOptions } from "./connect/connect-auth.ts";
export { connectAuth } from "./connect/connect-auth.ts";
export { implement } from "./connect/implement.ts";
export { AuthRequiredService, BaseService } from "./context/base-service.ts";
export { CallContext, currentCall } from "./context/call-context.ts";
export type { RpcHandler, ServiceHandlers } from "./context/service-handlers.ts";
