export { CallContext, currentCall } from "../context/call-context.ts";
export type { CorsOptions } from "./cors.ts";
export type { HonoAuth, HonoAuthOptions, HonoGuarded } from "./hono-auth.ts";
export { honoAuth } from "./hono-auth.ts";
export type { HttpAuthOptions, HttpMessage } from "./http-door.ts";
