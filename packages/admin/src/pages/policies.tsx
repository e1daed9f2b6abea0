import { useQuery } from "@connectrpc/connect-query";
import { type FormEvent, useState } from "react";
import { describeError } from "../api/errors.ts";
import { type PolicyRule, PolicyService, UserService } from "../api/protos.ts";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Code } from "../ui/copy.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { TextField } from "../ui/field.tsx";
import { Empty, Page, Panel } from "../ui/page.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { Explanation } from "./explanation.tsx";
import { UsernameField } from "./username-field.tsx";

const columns: readonly Column<PolicyRule>[] = [
  { id: "procedure", header: text.policies.procedure, cell: ({ procedure }) => <Code>{procedure}</Code> },
  {
    id: "rule",
    header: text.policies.rule,
    cell: ({ rule }) => <Badge tone={rule === "open" ? "warn" : "plain"}>{rule}</Badge>,
  },
  { id: "source", header: text.policies.source, cell: ({ source, origin }) => origin || source },
];

/** Every RPC and who may call it, and the question "what if". */
export function Policies() {
  const [search, setSearch] = useFilter("q");
  const query = useQuery(PolicyService.method.listRules, {});
  const rows = query.data?.rules.filter(({ procedure, rule }) =>
    `${procedure} ${rule}`.toLowerCase().includes(search.toLowerCase()),
  );
  return (
    <Page title={text.policies.title} description={text.policies.description}>
      <WhatIf procedures={query.data?.rules.map(({ procedure }) => procedure) ?? []} />
      <DataTable
        name={text.policies.rules}
        columns={columns}
        rows={rows}
        error={query.data === undefined ? query.error : null}
        onRetry={() => void query.refetch()}
        rowId={({ procedure }) => procedure}
        toolbar={<SearchBox label={text.policies.search} value={search} onSearch={setSearch} />}
        empty={<Empty title={text.common.nothingMatches}>{text.common.changeFilters}</Empty>}
      />
    </Page>
  );
}

/** May this user call that? Answered by the rules that are in force, step by step. */
function WhatIf({ procedures }: { procedures: readonly string[] }) {
  const [asked, setAsked] = useState<{ username: string; procedure: string }>();
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setAsked({
      username: String(form.get("username")).trim(),
      procedure: String(form.get("procedure")).trim(),
    });
  }
  return (
    <Panel title={text.policies.whatIf}>
      <form onSubmit={submit} className="grid items-end gap-4 sm:grid-cols-[1fr_2fr_auto]">
        <UsernameField label={text.policies.who} name="username" placeholder={text.policies.anonymous} />
        <TextField
          label={text.policies.procedure}
          name="procedure"
          list="procedures"
          required
          autoComplete="off"
          placeholder="/package.Service/Method"
        />
        <datalist id="procedures">
          {procedures.map((procedure) => (
            <option key={procedure} value={procedure} />
          ))}
        </datalist>
        <Button type="submit" look="primary">
          {text.policies.ask}
        </Button>
      </form>
      <div aria-live="polite">{asked && <Answer {...asked} />}</div>
    </Panel>
  );
}

function Answer({ username, procedure }: { username: string; procedure: string }) {
  const found = useQuery(
    UserService.method.getUser,
    { selector: { case: "username", value: username } },
    { enabled: username !== "", retry: false },
  );
  const userId = username === "" ? 0n : found.data?.user?.id;
  if (found.error) return <p className="mt-4 text-bad">{describeError(found.error).detail}</p>;
  if (userId === undefined) return null;
  return (
    <div className="mt-5">
      <Explanation userId={userId} procedure={procedure} />
    </div>
  );
}
