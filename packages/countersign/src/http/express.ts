export { CallContext, currentCall } from "../context/call-context.ts";
export type { CorsOptions } from "./cors.ts";
export type { ExpressAuth } from "./express-auth.ts";
export { expressAuth } from "./express-auth.ts";
export type {
  ExpressHandler,
  ExpressRouterOptions,
  ExpressRoutes,
  ExpressRule,
  Guarded,
  RegisterRoute,
} from "./express-routes.ts";
export type { HttpAuthOptions, HttpMessage } from "./http-door.ts";
