export { CallContext, currentCall } from "../context/call-context.ts";
export type { CorsOptions } from "./cors.ts";
export type { FetchAuth, FetchAuthOptions, FetchHandler, FetchListener, FetchRoute } from "./fetch-auth.ts";
export { fetchAuth } from "./fetch-auth.ts";
export type { HttpAuthOptions } from "./http-door.ts";
export type { RouteParams } from "./route-table.ts";
