import { useQuery } from "@connectrpc/connect-query";
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
import { formatCount } from "../ui/numbers.ts";
import { Empty, Page } from "../ui/page.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { Select } from "../ui/select.tsx";
import { Sparkline } from "../ui/sparkline.tsx";
import { Time } from "../ui/time.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { usePages } from "../ui/use-pages.ts";
import { CreateKey, keyTypes } from "./create-key.tsx";
import { KeyStatus } from "./key-status.tsx";
import { lastDays } from "./usage-days.ts";
import { useChange } from "./use-change.ts";

const columns: readonly Column<ApiKey>[] = [
  { id: "status", header: text.keys.status, cell: (apiKey) => <KeyStatus apiKey={apiKey} /> },
  {
    id: "name",
    header: text.keys.name,
    cell: ({ id, name }) => (
      <Link
        href={`/keys/${id}`}
        title={name}
        className="block max-w-[24ch] truncate font-medium hover:text-accent hover:underline"
      >
        {name}
      </Link>
    ),
  },
  { id: "type", header: text.keys.type, cell: ({ type }) => <Badge>{type}</Badge> },
  { id: "owner", header: text.keys.owner, cell: ({ user }) => user?.username ?? "—" },
  {
    id: "prefix",
    header: text.keys.prefix,
    cell: ({ prefix, id }) => (
      <span className="block max-w-[15ch] truncate" title={prefix || id}>
        <Code>{prefix || id}</Code>
      </span>
    ),
  },
  {
    id: "total",
    header: text.keys.total,
    align: "right",
    cell: ({ totalRequests }) => formatCount(totalRequests),
  },
  { id: "trend", header: text.keys.trend, cell: ({ id }) => <Trend id={id} /> },
  {
    id: "used",
    header: text.keys.lastUsed,
    cell: ({ lastUsedAt }) => <Time at={lastUsedAt} style="relative" none={text.keys.never} />,
  },
  {
    id: "expires",
    header: text.keys.expires,
    cell: ({ expiresAt }) => <Time at={expiresAt} style="relative" none={text.keys.never} />,
  },
  {
    id: "created",
    header: text.keys.created,
    hidden: true,
    cell: ({ createdAt }) => <Time at={createdAt} />,
  },
  { id: "tags", header: text.keys.tags, hidden: true, cell: ({ tags }) => tags.join(", ") || "—" },
];

function Trend({ id }: { id: string }) {
  const { data } = useQuery(
    ApiKeyService.method.getApiKeyUsage,
    { id, period: "day" },
    { staleTime: 60_000, retry: false },
  );
  const days = lastDays(data?.usage ?? [], 14);
  return <Sparkline values={days.map(({ allowed }) => allowed)} label={text.keys.trendLabel} />;
}

const any = { value: "", label: text.keys.anyStatus };

export function Keys() {
  const [search, setSearch] = useFilter("q");
  const [status, setStatus] = useFilter("status");
  const [type, setType] = useFilter("type");
  const [creating, setCreating] = useFilter("new");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [, go] = useLocation();
  const { can } = useMe();
  const list = usePages(
    ApiKeyService.method.listApiKeys,
    { pageSize: 50, text: search, status, type },
    ({ apiKeys }) => apiKeys,
  );
  const filtered = search !== "" || status !== "" || type !== "";
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
        rowId={({ id }) => id}
        onOpen={({ id }) => go(`/keys/${id}`)}
        toolbar={
          <>
            <SearchBox label={text.keys.search} value={search} onSearch={setSearch} />
            <Select
              label={text.keys.status}
              value={status}
              onChoose={setStatus}
              choices={[any, ...Object.entries(text.keys.states).map(([value, label]) => ({ value, label }))]}
            />
            <Select
              label={text.keys.type}
              value={type}
              onChoose={setType}
              choices={[
                { value: "", label: text.keys.anyType },
                ...keyTypes.map((value) => ({ value, label: value })),
              ]}
            />
          </>
        }
        {...(writable && {
          selection: {
            chosen,
            onChange: setChosen,
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
      <CreateKey open={creating !== ""} onClose={() => setCreating("")} />
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
