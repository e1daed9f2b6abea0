import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ReactNode, useState } from "react";
import { type LoggedRequest, LogService, type RequestFilterSchema } from "../api/protos.ts";
import { text } from "../text.ts";
import { Code } from "../ui/copy.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { formatDuration } from "../ui/numbers.ts";
import { Empty } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { usePages } from "../ui/use-pages.ts";
import { callId, together } from "./live-calls.ts";
import { addressOf, KeyName, UserName } from "./names.tsx";
import { Outcome } from "./outcome.tsx";
import { RequestDialog } from "./request-dialog.tsx";

export type Filter = MessageInitShape<typeof RequestFilterSchema>;

const columns: readonly Column<LoggedRequest>[] = [
  { id: "at", header: text.logs.at, cell: ({ endedAt }) => <Time at={endedAt} style="instant" /> },
  { id: "status", header: text.logs.status, cell: (request) => <Outcome request={request} /> },
  {
    id: "procedure",
    header: text.logs.procedure,
    cell: ({ procedure }) => (
      <span title={procedure} className="whitespace-nowrap">
        <Code>{procedure.replace(/^\/[\w.]*?(\w+)\/(\w+)$/, "$1/$2")}</Code>
      </span>
    ),
  },
  {
    id: "user",
    header: text.logs.user,
    cell: ({ userId }) => (userId ? <UserName id={userId} /> : <span className="text-faint">—</span>),
  },
  {
    id: "key",
    header: text.logs.key,
    cell: ({ apiKeyId }) =>
      apiKeyId ? (
        <span className="block max-w-[20ch] truncate">
          <KeyName id={apiKeyId} />
        </span>
      ) : (
        <span className="text-faint">—</span>
      ),
  },
  { id: "protocol", header: text.logs.protocol, hidden: true, cell: ({ protocol }) => protocol },
  {
    id: "peer",
    header: text.logs.peer,
    cell: ({ peer }) => (
      <span className="numbers whitespace-nowrap" title={peer}>
        {addressOf(peer)}
      </span>
    ),
  },
  {
    id: "duration",
    header: text.logs.duration,
    align: "right",
    cell: ({ durationMs }) => formatDuration(durationMs),
  },
  {
    id: "agent",
    header: text.logs.agent,
    hidden: true,
    cell: ({ userAgent }) => <span className="block max-w-[30ch] truncate">{userAgent}</span>,
  },
  { id: "id", header: text.logs.requestId, hidden: true, cell: ({ requestId }) => <Code>{requestId}</Code> },
];

/** Calls that were served and refused, newest first. */
export function RequestTable({
  filter,
  title,
  toolbar,
  fresh,
  filtered,
  without = [],
}: {
  filter: Filter;
  /** Columns that would say the same in every row. */
  without?: readonly string[];
  title: string;
  toolbar?: ReactNode;
  /** Calls that came in since the list was read. */
  fresh?: readonly LoggedRequest[];
  filtered?: boolean;
}) {
  const [open, setOpen] = useState<LoggedRequest>();
  const list = usePages(LogService.method.listRequests, { filter, pageSize: 50 }, ({ requests }) => requests);
  return (
    <>
      <DataTable
        name={title}
        columns={without.length === 0 ? columns : columns.filter(({ id }) => !without.includes(id))}
        {...list}
        rows={list.rows && together(fresh ?? [], list.rows)}
        rowId={callId}
        onOpen={setOpen}
        toolbar={toolbar ?? <h2 className="px-2 font-semibold">{title}</h2>}
        empty={
          filtered ? (
            <Empty title={text.common.nothingMatches}>{text.common.changeFilters}</Empty>
          ) : (
            <Empty title={text.logs.none}>{text.logs.noneHint}</Empty>
          )
        }
      />
      <RequestDialog request={open} onClose={() => setOpen(undefined)} />
    </>
  );
}
