import { useQuery } from "@connectrpc/connect-query";
import { useState } from "react";
import { isImpossible } from "../api/errors.ts";
import { type SigningKey, SigningKeyService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { StatusBadge, type Tone } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Code } from "../ui/copy.tsx";
import { type Column, DataTable } from "../ui/data-table.tsx";
import { Empty, Page } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { useChange } from "./use-change.ts";

const tones: Readonly<Record<string, Tone>> = {
  signing: "good",
  pending: "accent",
  retired: "plain",
  removed: "bad",
};

const columns: readonly Column<SigningKey>[] = [
  {
    id: "kid",
    header: text.signingKeys.kid,
    cell: ({ kid }) => (
      <span className="block max-w-[22ch] truncate" title={kid}>
        <Code>{kid}</Code>
      </span>
    ),
  },
  { id: "algorithm", header: text.signingKeys.algorithm, cell: ({ algorithm }) => algorithm },
  {
    id: "status",
    header: text.signingKeys.status,
    cell: ({ status }) => (
      <StatusBadge tone={tones[status] ?? "plain"} on={status === "signing"}>
        {text.signingKeys.states[status as keyof typeof text.signingKeys.states] ?? status}
      </StatusBadge>
    ),
  },
  { id: "created", header: text.signingKeys.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
  { id: "from", header: text.signingKeys.from, cell: ({ activeFrom }) => <Time at={activeFrom} /> },
  { id: "until", header: text.signingKeys.until, cell: ({ removedAt }) => <Time at={removedAt} /> },
];

export function SigningKeys() {
  const { can } = useMe();
  const query = useQuery(SigningKeyService.method.listSigningKeys, {});
  const [asked, setAsked] = useState<"rotate" | SigningKey>();
  const done = { said: text.signingKeys.doneToast, onDone: () => setAsked(undefined) };
  const rotate = useChange(SigningKeyService.method.rotateSigningKey, done);
  const retire = useChange(SigningKeyService.method.retireSigningKey, done);
  const writable = can("auth.signing_keys:write");
  const removal: Column<SigningKey> = {
    id: "remove",
    header: text.common.actions,
    align: "right",
    cell: (key) =>
      key.status === "retired" && (
        <Button size="small" onClick={() => setAsked(key)}>
          {text.signingKeys.remove}
        </Button>
      ),
  };
  return (
    <Page
      title={text.signingKeys.title}
      description={text.signingKeys.description}
      actions={writable && <Button onClick={() => setAsked("rotate")}>{text.signingKeys.rotate}</Button>}
    >
      <DataTable
        name={text.signingKeys.title}
        columns={writable ? [...columns, removal] : columns}
        rows={isImpossible(query.error) ? [] : query.data?.signingKeys}
        error={isImpossible(query.error) ? null : query.error}
        onRetry={() => void query.refetch()}
        rowId={({ kid }) => kid}
        toolbar={<h2 className="px-2 font-semibold">{text.signingKeys.toolbar}</h2>}
        empty={<Empty title={text.signingKeys.none}>{text.signingKeys.noneHint}</Empty>}
      />
      <Confirm
        open={asked === "rotate"}
        onClose={() => setAsked(undefined)}
        title={text.signingKeys.rotateTitle}
        action={text.signingKeys.rotate}
        busy={rotate.busy}
        onConfirm={() => rotate.run({})}
      >
        {text.signingKeys.rotateText}
      </Confirm>
      <Confirm
        open={typeof asked === "object"}
        onClose={() => setAsked(undefined)}
        title={text.signingKeys.removeTitle}
        action={text.signingKeys.remove}
        busy={retire.busy}
        onConfirm={() => typeof asked === "object" && retire.run({ kid: asked.kid, now: true })}
      >
        {text.signingKeys.removeText}
      </Confirm>
    </Page>
  );
}
