export { CallContext, currentCall } from "../context/call-context.ts";
export type { CorsOptions } from "./cors.ts";
export type { FastifyAuth } from "./fastify-auth.ts";
export { fastifyAuth } from "./fastify-auth.ts";
export type { HttpAuthOptions, HttpMessage } from "./http-door.ts";
export type { SecurityScheme } from "./openapi.ts";
