export type { KeyHeader } from "./basic-credentials.ts";
export type { FormHandler, FormRoutesOptions } from "./form-routes.ts";
export { FormRoutes } from "./form-routes.ts";
