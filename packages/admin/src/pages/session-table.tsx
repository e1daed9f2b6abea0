import { useState } from "react";
import { AuthService, type Session } from "../api/protos.ts";
import { text } from "../text.ts";
import { Badge, StatusBadge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Code } from "../ui/copy.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { Empty } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { usePages } from "../ui/use-pages.ts";
import { agentName } from "./agent-name.ts";
import { addressOf } from "./names.tsx";
import { useChange } from "./use-change.ts";

/** The sessions of a user; without one, those of who is logged in. */
export function SessionTable({ userId }: { userId?: bigint }) {
  const [ending, setEnding] = useState<Session>();
  const list = usePages(
    AuthService.method.listSessions,
    { pageSize: 50, ...(userId !== undefined && { userId }) },
    ({ sessions }) => sessions,
  );
  const end = useChange(AuthService.method.revokeSession, {
    said: text.sessions.endedToast,
    onDone: () => setEnding(undefined),
  });
  const columns: readonly Column<Session>[] = [
    ...shown,
    {
      id: "end",
      header: text.common.actions,
      align: "right",
      cell: (session) =>
        session.current ? (
          <Badge tone="accent">{text.sessions.current}</Badge>
        ) : (
          <Button size="small" onClick={() => setEnding(session)}>
            {text.sessions.end}
          </Button>
        ),
    },
  ];
  return (
    <>
      <DataTable
        name={text.sessions.title}
        columns={columns}
        {...list}
        rowId={({ id }) => id}
        toolbar={<h2 className="px-2 font-semibold">{text.sessions.title}</h2>}
        empty={<Empty title={text.sessions.none} />}
      />
      <Confirm
        open={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title={text.sessions.endTitle}
        action={text.sessions.end}
        busy={end.busy}
        asksReason
        onConfirm={(reason) => ending && end.run({ id: ending.id, reason })}
      >
        {text.sessions.endText}
      </Confirm>
    </>
  );
}

const shown: readonly Column<Session>[] = [
  {
    id: "agent",
    header: text.sessions.agent,
    cell: ({ userAgent }) => (
      <span className="block max-w-[34ch] truncate" title={userAgent}>
        {agentName(userAgent) || "—"}
      </span>
    ),
  },
  {
    id: "address",
    header: text.sessions.address,
    cell: ({ address }) => (
      <span className="whitespace-nowrap" title={address}>
        <Code>{addressOf(address) || "—"}</Code>
      </span>
    ),
  },
  {
    id: "methods",
    header: text.sessions.methods,
    cell: ({ methods }) => (
      <StatusBadge tone={methods.includes("otp") ? "good" : "plain"} on={methods.includes("otp")}>
        {methods.includes("otp") ? text.sessions.twoFactors : text.sessions.oneFactor}
      </StatusBadge>
    ),
  },
  {
    id: "refreshed",
    header: text.sessions.refreshed,
    cell: ({ refreshedAt }) => <Time at={refreshedAt} style="relative" />,
  },
  { id: "created", header: text.sessions.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
  {
    id: "expires",
    header: text.sessions.expires,
    cell: ({ expiresAt }) => <Time at={expiresAt} style="relative" />,
  },
];
