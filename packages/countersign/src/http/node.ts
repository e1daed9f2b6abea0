export { CallContext, currentCall } from "../context/call-context.ts";
export type { CorsOptions } from "./cors.ts";
export type { HttpAuthOptions } from "./http-door.ts";
export type { NodeResponse } from "./node-answer.ts";
export type { NodeAuth, NodeHandler, NodeRoute, UpgradeHandler } from "./node-auth.ts";
export { nodeAuth } from "./node-auth.ts";
export { nodeCors } from "./node-cors.ts";
export type { RouteParams } from "./route-table.ts";
