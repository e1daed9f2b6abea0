import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { AuditRecord } from "countersign/descriptors";
import { type Column, details, instant } from "../terminal/table.ts";

/** Audit records as a table. */
export const auditColumns: readonly Column<AuditRecord>[] = [
  ["NUMBER", ({ sequence }) => String(sequence)],
  ["AT", at],
  ["ACTOR", actorOf],
  ["ACTION", ({ action }) => action],
  ["TARGETS", ({ targets }) => targets.join(" ")],
  ["WHAT", whatOf],
];

/** One audit record as lines. */
export function auditDetails(record: AuditRecord | undefined): string {
  if (record === undefined) return "";
  const { sequence, actor, apiKey, authenticator, address, requestId, action, targets, hash } = record;
  return details([
    ["number", String(sequence)],
    ["at", at(record)],
    ["actor", actor],
    ["API key", apiKey],
    ["by means of", authenticator],
    ["address", address],
    ["request", requestId],
    ["tenant", record.tenant],
    ["action", action],
    ["targets", targets.join(" ")],
    ...pairs("", record.details),
    ...pairs("before: ", record.before),
    ...pairs("after: ", record.after),
    ["hash", hash],
    ["sealed with", record.sealedWith],
  ]);
}

function pairs(
  prefix: string,
  values: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  return Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value] as const);
}

function at({ at }: AuditRecord): string {
  return instant(at && timestampDate(at));
}

function actorOf({ actor, apiKey, authenticator }: AuditRecord): string {
  if (apiKey !== "") return `${actor} by key ${apiKey}`;
  return authenticator === "local" ? `${actor} (local)` : actor;
}

/** In few words: what it says, then what is other than before. */
function whatOf({ details: told, before, after }: AuditRecord): string {
  const said = Object.entries(told).map(([name, value]) => `${name}=${value}`);
  const names = Object.keys(before).length === 0 ? [] : Object.keys(after);
  const changed = names.map((name) => `${name}: ${before[name] ?? ""} -> ${after[name] ?? ""}`);
  const text = [...said, ...changed].join(", ");
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
