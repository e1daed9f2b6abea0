import { Plus } from "lucide-react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { type ApiKey, ApiKeyService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Code } from "../ui/copy.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { Narrow } from "../ui/narrow.tsx";
import { formatCount } from "../ui/numbers.ts";
import { Empty, Page } from "../ui/page.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { Select } from "../ui/select.tsx";
import { Sparkline } from "../ui/sparkline.tsx";
import { Time } from "../ui/time.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { usePages } from "../ui/use-pages.ts";
import { CreateKey, keyTypes } from "./create-key.tsx";
import { UserFinder } from "./finders.tsx";
import { KeyStatus } from "./key-status.tsx";
import { useChange } from "./use-change.ts";

interface Row {
  readonly apiKey: ApiKey;
  /** Calls on the last days. */
  readonly trend: readonly bigint[];
}

/** How many days a row shows. */
const trendDays = 14;

const newestFirst = "-created_at";

const columns: readonly Column<Row>[] = [
  { id: "status", header: text.keys.status, cell: ({ apiKey }) => <KeyStatus apiKey={apiKey} /> },
  {
    id: "name",
    header: text.keys.name,
    sort: ["name", "ascending"],
    cell: ({ apiKey: { id, name } }) => (
      <Link
        href={`/keys/${id}`}
        title={name}
        className="block max-w-[24ch] truncate font-medium hover:text-accent hover:underline"
      >
        <bdi>{name}</bdi>
      </Link>
    ),
  },
  { id: "type", header: text.keys.type, cell: ({ apiKey: { type } }) => <Badge>{type}</Badge> },
  {
    id: "owner",
    header: text.keys.owner,
    cell: ({ apiKey: { user } }) => (
      <span className="block max-w-[16ch] truncate" title={user?.username}>
        {user?.username ?? "—"}
      </span>
    ),
  },
  {
    id: "prefix",
    header: text.keys.prefix,
    cell: ({ apiKey: { prefix, id } }) => (
      <span className="block max-w-[14ch] truncate" title={prefix || id}>
        <Code>{prefix || id}</Code>
      </span>
    ),
  },
  {
    id: "total",
    header: text.keys.total,
    sort: ["total_requests", "descending"],
    align: "right",
    cell: ({ apiKey: { totalRequests } }) => formatCount(totalRequests),
  },
  {
    id: "trend",
    header: text.keys.trend,
    cell: ({ trend }) => (
      <Sparkline
        values={trend.length > 0 ? trend.map(Number) : Array.from({ length: trendDays }, () => 0)}
        label={text.keys.trendLabel(trend.map(Number).reduce((sum, calls) => sum + calls, 0))}
      />
    ),
  },
  {
    id: "used",
    header: text.keys.lastUsed,
    sort: ["last_used_at", "descending"],
    cell: ({ apiKey: { lastUsedAt } }) => <Time at={lastUsedAt} style="relative" none={text.keys.never} />,
  },
  {
    id: "expires",
    header: text.keys.expires,
    sort: ["expires_at", "ascending"],
    cell: ({ apiKey: { expiresAt } }) => <Time at={expiresAt} style="relative" none={text.keys.never} />,
  },
  {
    id: "created",
    header: text.keys.created,
    hidden: true,
    sort: ["created_at", "descending"],
    cell: ({ apiKey: { createdAt } }) => <Time at={createdAt} />,
  },
  {
    id: "tags",
    header: text.keys.tags,
    hidden: true,
    cell: ({ apiKey: { tags } }) => tags.join(", ") || "—",
  },
];

const any = { value: "", label: text.keys.anyStatus };

export function Keys() {
  const [search, setSearch] = useFilter("q");
  const [status, setStatus] = useFilter("status");
  const [type, setType] = useFilter("type");
  const [owner, setOwner] = useFilter("user");
  const [tag, setTag] = useFilter("tag");
  const [sort, setSort] = useFilter("sort");
  const [creating, setCreating] = useFilter("new");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [, go] = useLocation();
  const { can } = useMe();
  const list = usePages(
    ApiKeyService.method.listApiKeys,
    {
      ...{ pageSize: 50, text: search, status, type, tag, usageDays: trendDays, sort },
      // An address that names nobody is nobody's, and not everybody's.
      ...(owner !== "" && { userId: /^\d{1,18}$/.test(owner) ? BigInt(owner) : 0n }),
    },
    ({ apiKeys, trends }) => apiKeys.map((apiKey, at): Row => ({ apiKey, trend: trends[at]?.allowed ?? [] })),
  );
  const filtered = [search, status, type, owner, tag].some((one) => one !== "");
  const add = (
    <Button look="primary" onClick={() => setCreating("1")}>
      <Plus size={16} aria-hidden="true" />
      {text.keys.add}
    </Button>
  );
  const writable = can("auth.keys:write");
  return (
    <Page title={text.keys.title} description={text.keys.description} actions={writable && add}>
      <DataTable
        name={text.keys.title}
        columns={columns}
        {...list}
        sorting={{ value: sort || newestFirst, onSort: setSort }}
        rowId={({ apiKey: { id } }) => id}
        onOpen={({ apiKey: { id } }) => go(`/keys/${id}`)}
        toolbar={
          <>
            <SearchBox label={text.keys.search} value={search} onSearch={setSearch} />
            <Select
              label={text.keys.status}
              className="max-sm:w-[calc(50%-4px)]"
              value={status}
              onChoose={setStatus}
              choices={[any, ...Object.entries(text.keys.states).map(([value, label]) => ({ value, label }))]}
            />
            <Select
              label={text.keys.type}
              className="max-sm:w-[calc(50%-4px)]"
              value={type}
              onChoose={setType}
              choices={[
                { value: "", label: text.keys.anyType },
                ...keyTypes.map((value) => ({ value, label: value })),
              ]}
            />
            {can("auth.keys:read") && can("auth.users:read") && (
              <UserFinder label={text.keys.anyOwner} value={owner} onChange={setOwner} />
            )}
            <Narrow label={text.keys.anyTag} value={tag} onChange={setTag} />
          </>
        }
        {...(writable && {
          selection: {
            chosen,
            onChange: setChosen,
            nameOf: ({ apiKey: { name } }: Row) => name,
            actions: <RevokeChosen ids={chosen} onDone={() => setChosen([])} />,
          },
        })}
        empty={
          filtered ? (
            <Empty title={text.common.nothingMatches}>{text.common.changeFilters}</Empty>
          ) : (
            <Empty title={text.keys.none} action={writable && add}>
              {text.keys.noneHint}
            </Empty>
          )
        }
      />
      <CreateKey open={writable && creating !== ""} onClose={() => setCreating("")} />
    </Page>
  );
}

function RevokeChosen({ ids, onDone }: { ids: readonly string[]; onDone: () => void }) {
  const [asked, setAsked] = useState(false);
  const revoke = useChange(ApiKeyService.method.revokeApiKeys, {
    said: ({ apiKeys, refusedIds }) => text.keys.revokedAllToast(apiKeys.length, refusedIds.length),
    onDone: () => {
      setAsked(false);
      onDone();
    },
  });
  return (
    <>
      <span className="px-2 numbers">{text.keys.chosen(ids.length)}</span>
      <Button look="danger" onClick={() => setAsked(true)}>
        {text.keys.revoke}
      </Button>
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        title={text.keys.revokeTitle(ids.length)}
        action={text.keys.revoke}
        busy={revoke.busy}
        asksReason
        onConfirm={(reason) => revoke.run({ ids: [...ids], reason })}
      >
        {text.keys.revokeText}
      </Confirm>
    </>
  );
}
