export { readBytes } from "./body-bytes.ts";
export { followResponse } from "./follow-response.ts";
export { HttpCall } from "./http-call.ts";
export type { JsonAlias, JsonAliasesOptions } from "./json-aliases.ts";
export { JsonAliases } from "./json-aliases.ts";
