import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Tenant } from "countersign/descriptors";
import { type Column, details, instant } from "../terminal/table.ts";

/** Tenants as a table. */
export const tenantColumns: readonly Column<Tenant>[] = [
  ["ID", ({ id }) => id],
  ["NAME", ({ name }) => name],
  ["STATUS", statusOf],
  ["CREATED", ({ createdAt }) => instant(createdAt && timestampDate(createdAt))],
];

/** One tenant as lines. */
export function tenantDetails(tenant: Tenant | undefined): string {
  if (tenant === undefined) return "";
  const { id, name, createdAt, updatedAt, disabledAt } = tenant;
  return details([
    ["id", id],
    ["name", name],
    ["status", statusOf(tenant)],
    ...(disabledAt === undefined ? [] : [["disabled", instant(timestampDate(disabledAt))] as const]),
    ["created", instant(createdAt && timestampDate(createdAt))],
    ["updated", instant(updatedAt && timestampDate(updatedAt))],
  ]);
}

function statusOf({ disabledAt }: Tenant): string {
  return disabledAt === undefined ? "active" : "disabled";
}
