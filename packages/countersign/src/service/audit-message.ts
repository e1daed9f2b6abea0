import { create, type JsonValue, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type FieldViolation, invalidArgument } from "../core/call-error.ts";
import type { Tenanted } from "../core/tenant.ts";
import { type AuditFilter as AuditFilterMessage, AuditRecordSchema } from "../gen/auth/v1/audit_pb.ts";
import type { AuditFilter, AuditRecord } from "../store/audit-contracts.ts";
import { csvLine } from "./csv.ts";
import { isAfter } from "./request-query.ts";
import { tenantToList } from "./tenancy.ts";

/** An audit record as the API shows it. */
export function auditMessage(record: AuditRecord): MessageInitShape<typeof AuditRecordSchema> {
  const { actor, action, target, related, details, before = {}, after = {}, hash, origin } = record;
  return {
    sequence: BigInt(record.sequence),
    at: timestampFromDate(record.at),
    ...{ actor, action, hash, details, before, after },
    targets: related === undefined ? [target] : [target, related],
    apiKey: origin.apiKeyId ?? "",
    authenticator: origin.authenticator ?? "",
    address: origin.address ?? "",
    requestId: origin.requestId ?? "",
    sealedWith: record.sealedWith ?? "",
    tenant: record.tenantId ?? "",
  };
}

/** What is asked for, of what the caller may know of. Throws `INVALID_ARGUMENT` for what finds nothing because it cannot be. */
export function auditFilter(message: AuditFilterMessage | undefined, caller: Tenanted): AuditFilter {
  if (message === undefined) return { tenantId: tenantToList(caller) };
  const { actor, apiKey, action, target, text, tenant, since, until } = message;
  const [problem, ...others] = problemsOf(message);
  if (problem !== undefined) throw invalidArgument(problem, ...others);
  const named = (value: string): string | undefined => (value === "" ? undefined : value);
  return {
    actor: named(actor),
    apiKeyId: named(apiKey),
    action: named(action),
    target: named(target),
    text: named(text),
    tenantId: tenantToList(caller, named(tenant)),
    since: since && timestampDate(since),
    until: until && timestampDate(until),
  };
}

function problemsOf(message: AuditFilterMessage): readonly FieldViolation[] {
  const { actor, apiKey, action, target, text, tenant, since, until } = message;
  const violations = Object.entries({ actor, api_key: apiKey, action, target, text, tenant })
    .filter(([, value]) => value.length > 500)
    .map(([name]) => ({ field: `filter.${name}`, description: "at most 500 characters" }));
  if (!isAfter(since, until)) return violations;
  return [...violations, { field: "filter.since", description: "not after until" }];
}

/** How records are written into a file. */
export interface AuditFormat {
  /** What stands before the first one. */
  readonly head: string;
  readonly line: (record: AuditRecord) => string;
}

/** By the names that they are asked for by. */
export const auditFormats: Readonly<Record<string, AuditFormat>> = Object.freeze({
  ndjson: { head: "", line: (record) => `${JSON.stringify(json(record))}\n` },
  csv: {
    head: csvLine(
      ["sequence", "at", "actor", "api_key", "authenticator", "address", "request_id", "action"].concat([
        "target",
        "related",
        "details",
        "before",
        "after",
        "hash",
        "sealed_with",
        "tenant",
      ]),
    ),
    line: (record) => csvLine(cells(record)),
  },
});

function json(record: AuditRecord): JsonValue {
  const message = create(AuditRecordSchema, auditMessage(record));
  return toJson(AuditRecordSchema, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
}

function cells(record: AuditRecord): readonly string[] {
  const { actor, action, target, related = "", origin, hash, sealedWith = "" } = record;
  const { apiKeyId = "", authenticator = "", address = "", requestId = "" } = origin;
  const values = [record.details, record.before, record.after].map((texts) =>
    texts === undefined ? "" : JSON.stringify(texts),
  );
  const who = [actor, apiKeyId, authenticator, address, requestId];
  return [String(record.sequence), record.at.toISOString(), ...who, action, target, related].concat(values, [
    hash,
    sealedWith,
    record.tenantId ?? "",
  ]);
}
