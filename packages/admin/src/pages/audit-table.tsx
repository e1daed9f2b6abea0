import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { type AuditFilterSchema, type AuditRecord, AuditService } from "../api/protos.ts";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Code } from "../ui/copy.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Empty, Fact, Facts } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { usePages } from "../ui/use-pages.ts";
import { UserName } from "./names.tsx";

export type AuditQuery = MessageInitShape<typeof AuditFilterSchema>;

const columns: readonly Column<AuditRecord>[] = [
  { id: "sequence", header: text.audit.sequence, align: "right", cell: ({ sequence }) => String(sequence) },
  { id: "at", header: text.audit.at, cell: ({ at }) => <Time at={at} style="exact" /> },
  {
    id: "action",
    header: text.audit.action,
    cell: ({ action }) => (
      <Badge tone={/revoked|deleted|disabled/.test(action) ? "bad" : "plain"}>{action}</Badge>
    ),
  },
  { id: "actor", header: text.audit.actor, cell: ({ actor }) => <UserName id={actor} /> },
  {
    id: "targets",
    header: text.audit.targets,
    cell: ({ targets }) => (
      <span className="flex gap-3">
        {targets.map((target) => (
          <Target key={target} target={target} />
        ))}
      </span>
    ),
  },
  { id: "address", header: text.audit.address, hidden: true, cell: ({ address }) => address || "—" },
  { id: "request", header: text.audit.request, hidden: true, cell: ({ requestId }) => requestId || "—" },
];

/** What a change was about; users and keys lead to their pages. */
function Target({ target }: { target: string }) {
  const [, kind, id] = /^(user|key):(\w+)$/.exec(target) ?? [];
  if (kind === undefined) return <Code>{target}</Code>;
  return (
    <Link href={`/${kind}s/${id}`} className="hover:text-accent hover:underline">
      <Code>{target}</Code>
    </Link>
  );
}

/** Who changed what, newest first. */
export function AuditTable({
  filter,
  title,
  toolbar,
}: {
  filter: AuditQuery;
  title: string;
  toolbar?: ReactNode;
}) {
  const [open, setOpen] = useState<AuditRecord>();
  const list = usePages(AuditService.method.listAudit, { filter, pageSize: 50 }, ({ records }) => records);
  return (
    <>
      <DataTable
        name={title}
        columns={columns}
        {...list}
        rowId={({ sequence }) => String(sequence)}
        onOpen={setOpen}
        toolbar={toolbar ?? <h2 className="px-2 font-semibold">{title}</h2>}
        empty={<Empty title={text.audit.none} />}
      />
      <Dialog wide open={open !== undefined} onClose={() => setOpen(undefined)} title={open?.action ?? ""}>
        {open && <Content record={open} />}
      </Dialog>
    </>
  );
}

function Content({ record }: { record: AuditRecord }) {
  return (
    <div className="flex flex-col gap-5">
      <Facts>
        <Fact name={text.audit.sequence}>{String(record.sequence)}</Fact>
        <Fact name={text.audit.at}>
          <Time at={record.at} style="exact" />
        </Fact>
        <Fact name={text.audit.actor}>
          <UserName id={record.actor} />
          {record.authenticator && <span className="text-soft"> · {record.authenticator}</span>}
          {record.apiKey && <span className="text-soft"> · {record.apiKey}</span>}
        </Fact>
        <Fact name={text.audit.targets}>
          <span className="flex flex-wrap gap-x-3">
            {record.targets.map((target) => (
              <Target key={target} target={target} />
            ))}
          </span>
        </Fact>
        <Fact name={text.audit.address}>{record.address || "—"}</Fact>
        <Fact name={text.audit.request}>{record.requestId ? <Code>{record.requestId}</Code> : "—"}</Fact>
        {Object.entries(record.details).map(([name, value]) => (
          <Fact key={name} name={name}>
            {value}
          </Fact>
        ))}
        <Fact name={text.audit.hash}>
          <Code>{record.hash}</Code>
        </Fact>
      </Facts>
      <Changes before={record.before} after={record.after} />
    </div>
  );
}

/** What was there and what is there since, side by side. */
function Changes({
  before,
  after,
}: {
  before: Readonly<Record<string, string>>;
  after: Readonly<Record<string, string>>;
}) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  if (names.length === 0) return null;
  return (
    <table className="w-full border-collapse text-left">
      <thead className="text-[13px]">
        <tr className="border-b border-line">
          <th scope="col" className="py-1.5 pr-4 font-medium text-soft">
            {text.audit.field}
          </th>
          <th scope="col" className="py-1.5 pr-4 font-medium text-soft">
            {text.audit.before}
          </th>
          <th scope="col" className="py-1.5 font-medium text-soft">
            {text.audit.after}
          </th>
        </tr>
      </thead>
      <tbody>
        {names.map((name) => (
          <tr key={name} className="border-b border-line last:border-0">
            <th scope="row" className="py-1.5 pr-4 font-normal text-soft">
              {name}
            </th>
            <td className="py-1.5 pr-4">
              <Code>{before[name] ?? "—"}</Code>
            </td>
            <td className="py-1.5">
              <Code>{after[name] ?? "—"}</Code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
