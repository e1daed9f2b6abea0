import { timestampDate } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { type Node, SystemService } from "../api/protos.ts";
import { text } from "../text.ts";
import { Badge, StatusBadge } from "../ui/badge.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { formatCount } from "../ui/numbers.ts";
import { Empty } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";

const columns: readonly Column<Node>[] = [
  {
    id: "name",
    header: text.overview.node,
    cell: ({ name, id, current }) => (
      <span className="flex items-center gap-2 whitespace-nowrap font-medium" title={id}>
        {name}
        {current && <Badge tone="accent">{text.overview.thisNode}</Badge>}
      </span>
    ),
  },
  {
    id: "status",
    header: text.overview.nodeStatus,
    cell: ({ status }) => (
      <StatusBadge tone={status === "serving" ? "good" : "bad"} on={status === "serving"}>
        {status === "serving" ? text.overview.serving : text.overview.silent}
      </StatusBadge>
    ),
  },
  {
    id: "addresses",
    header: text.overview.nodeAddresses,
    cell: ({ grpcAddress, httpAddress }) => (
      <span className="numbers whitespace-nowrap">{`${grpcAddress} · ${httpAddress}`}</span>
    ),
  },
  { id: "version", header: text.overview.nodeVersion, cell: ({ version }) => version },
  {
    id: "since",
    header: text.overview.nodeSince,
    cell: ({ startedAt }) => <Time at={startedAt} style="relative" />,
  },
  {
    id: "seen",
    header: text.overview.nodeSeen,
    cell: ({ lastSeenAt }) => <Time at={lastSeenAt} style="relative" />,
  },
  {
    id: "behind",
    header: text.overview.behind,
    align: "right",
    cell: ({ revocationLag, revocationsKnownAt }) => (
      <span
        className={revocationLag > 0n ? "font-medium text-warn" : ""}
        title={revocationsKnownAt && timestampDate(revocationsKnownAt).toISOString()}
      >
        {formatCount(revocationLag)}
      </span>
    ),
  },
];

/** The nodes that serve, and how far each is with what was revoked. */
export function Nodes() {
  const query = useQuery(SystemService.method.listNodes, {}, { refetchInterval: 10_000 });
  return (
    <DataTable
      name={text.overview.nodes}
      columns={columns}
      rows={query.data?.nodes}
      error={query.data === undefined ? query.error : null}
      onRetry={() => void query.refetch()}
      rowId={({ id }) => id}
      toolbar={<h2 className="px-2 font-semibold">{text.overview.nodes}</h2>}
      empty={<Empty title={text.overview.noNodes}>{text.overview.noNodesHint}</Empty>}
    />
  );
}
