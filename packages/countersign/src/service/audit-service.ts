import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { invalidArgument } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import type {
  AuditService,
  ExportAuditRequest,
  GetAuditRequest,
  ListAuditRequest,
  VerifyAuditRequest,
} from "../gen/auth/v1/audit_pb.ts";
import type { AuditAnchor, AuditStore, AuditVerdict } from "../store/audit-contracts.ts";
import { auditFilter, auditFormats, auditMessage } from "./audit-message.ts";
import { found, pageOf, pageSize, readPageToken } from "./page.ts";
import { visibleTo } from "./tenancy.ts";

export interface AuditServiceOptions {
  readonly audit: AuditStore;
}

/** How many records one part of an export has. */
const exportSize = 500;

/** `auth.v1.AuditService`: who changed what, and whether the log is as it was written. */
export function createAuditService({ audit }: AuditServiceOptions): ServiceHandlers<typeof AuditService> {
  return Object.freeze({
    async listAudit({ pageSize: size, pageToken, filter }: ListAuditRequest, context: CallContext) {
      const limit = pageSize(size);
      const rows = await audit.list({
        ...auditFilter(filter, context.requireUser()),
        limit: limit + 1,
        before: position(pageToken),
      });
      const page = pageOf(rows, limit, ({ sequence }) => [String(sequence)]);
      return { records: page.rows.map(auditMessage), nextPageToken: page.nextPageToken };
    },

    async getAudit({ sequence }: GetAuditRequest, context: CallContext) {
      const record = visibleTo(context.requireUser(), await audit.find(Number(sequence)));
      return { record: auditMessage(found(record, "audit record")) };
    },

    async *exportAudit({ filter, format }: ExportAuditRequest, context: CallContext) {
      const { head, line } = formatOf(format);
      const query = { ...auditFilter(filter, context.requireUser()), limit: exportSize };
      if (head !== "") yield { data: head };
      for (let after: number | undefined = 0; after !== undefined && !context.call.signal.aborted; ) {
        const rows = await audit.list({ ...query, after });
        if (rows.length > 0) yield { data: rows.map(line).join("") };
        after = rows.length < exportSize ? undefined : rows.at(-1)?.sequence;
      }
    },

    async *verifyAudit(request: VerifyAuditRequest, context: CallContext) {
      if (context.requireUser().tenantId !== undefined)
        throw new Refusal("PERMISSION_DENIED", { message: "The chain is the installation's" });
      const checking = audit.verify(anchorOf(request));
      let last = { checked: 0, total: 0 };
      for (;;) {
        const step = await checking.next();
        if (step.done === true) {
          yield { ...progress(last), verdict: verdictMessage(step.value) };
          return;
        }
        last = step.value;
        yield progress(last);
      }
    },
  });
}

function position(token: string): number | undefined {
  const [sequence] = readPageToken(token, 1) ?? [];
  if (sequence === undefined) return undefined;
  if (/^\d{1,15}$/.test(sequence)) return Number(sequence);
  throw invalidArgument({ field: "page_token", description: "not a token that this list gave out" });
}

function formatOf(name: string) {
  const format = Object.hasOwn(auditFormats, name || "ndjson") ? auditFormats[name || "ndjson"] : undefined;
  if (format !== undefined) return format;
  throw invalidArgument({ field: "format", description: `one of ${Object.keys(auditFormats).join(", ")}` });
}

function anchorOf({ anchorSequence, anchorHash }: VerifyAuditRequest): AuditAnchor | undefined {
  if (anchorSequence === 0n && anchorHash === "") return undefined;
  if (anchorSequence < 1n || anchorSequence > BigInt(Number.MAX_SAFE_INTEGER))
    throw invalidArgument({ field: "anchor_sequence", description: "the number of a record" });
  if (!/^[0-9a-f]{64}$/.test(anchorHash))
    throw invalidArgument({ field: "anchor_hash", description: "64 hexadecimal digits in lower case" });
  return { sequence: Number(anchorSequence), hash: anchorHash };
}

function progress({ checked, total }: { readonly checked: number; readonly total: number }) {
  return { checked: BigInt(checked), total: BigInt(total) };
}

function verdictMessage({ head, sealedFrom = 0, broken }: AuditVerdict) {
  return {
    headSequence: BigInt(head.sequence),
    headHash: head.hash,
    sealedFrom: BigInt(sealedFrom),
    brokenSequence: BigInt(broken?.sequence ?? 0),
    fault: broken?.fault ?? "",
  };
}
