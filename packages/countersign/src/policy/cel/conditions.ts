// The subpath countersign/policy/cel.
export type { ConditionBounds } from "./bounds.ts";
export { defaultBounds } from "./bounds.ts";
export { celConditions } from "./cel-conditions.ts";
