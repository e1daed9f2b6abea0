export { CallContext, currentCall } from "./context/call-context.ts";
export type { CorsOptions } from "./http/cors.ts";
export type { HttpAuthOptions, HttpMessage } from "./http/http-door.ts";
export {
  AllowAny,
  Authenticators,
  CurrentContext,
  CurrentPrincipal,
  Guards,
} from "./nestjs/decorators.ts";
export type { NestAuthOptions } from "./nestjs/nest-auth.ts";
export { nestAuth } from "./nestjs/nest-auth.ts";
