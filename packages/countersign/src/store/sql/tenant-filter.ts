import type { ExpressionBuilder } from "kysely";
import type { SqlSchema } from "./sql-schema.ts";

type Owned = "users" | "roles" | "api_keys";

/** Of this tenant; the empty text: of none. */
export function ofTenant<T extends Owned>(eb: ExpressionBuilder<SqlSchema, T>, tenantId: string) {
  const builder = eb as unknown as ExpressionBuilder<SqlSchema, Owned>;
  return tenantId === "" ? builder("tenant", "is", null) : builder("tenant", "=", tenantId);
}
