export type { JsonAlias, JsonServicesOptions } from "./json-services.ts";
export { JsonServices } from "./json-services.ts";
