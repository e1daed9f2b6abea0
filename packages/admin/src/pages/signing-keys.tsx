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
import { useFilter } from "../ui/use-filter.ts";
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
  const [removing, setRemoving] = useState<SigningKey>();
  const [rotating, setRotating] = useFilter("rotate");
  const rotate = useChange(SigningKeyService.method.rotateSigningKey, {
    said: text.signingKeys.rotatedToast,
    onDone: () => setRotating(""),
  });
  const retire = useChange(SigningKeyService.method.retireSigningKey, {
    said: text.signingKeys.removedToast,
    onDone: () => setRemoving(undefined),
  });
  const writable = can("auth.signing_keys:write");
  const removal: Column<SigningKey> = {
    id: "remove",
    header: text.common.actions,
    align: "right",
    cell: (key) =>
      key.status === "retired" && (
        <Button size="small" onClick={() => setRemoving(key)}>
          {text.signingKeys.remove}
        </Button>
      ),
  };
  return (
    <Page
      title={text.signingKeys.title}
      description={text.signingKeys.description}
      actions={writable && <Button onClick={() => setRotating("1")}>{text.signingKeys.rotate}</Button>}
    >
      <DataTable
        name={text.signingKeys.title}
        columns={writable ? [...columns, removal] : columns}
        rows={isImpossible(query.error) ? [] : query.data?.signingKeys}
        error={isImpossible(query.error) || query.data !== undefined ? null : query.error}
        onRetry={() => void query.refetch()}
        rowId={({ kid }) => kid}
        toolbar={<h2 className="px-2 font-semibold">{text.signingKeys.toolbar}</h2>}
        empty={<Empty title={text.signingKeys.none}>{text.signingKeys.noneHint}</Empty>}
      />
      <Confirm
        open={writable && rotating !== ""}
        onClose={() => setRotating("")}
        title={text.signingKeys.rotateTitle}
        action={text.signingKeys.rotate}
        busy={rotate.busy}
        onConfirm={() => rotate.run({})}
      >
        {text.signingKeys.rotateText}
      </Confirm>
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={text.signingKeys.removeTitle}
        action={text.signingKeys.remove}
        busy={retire.busy}
        onConfirm={() => removing && retire.run({ kid: removing.kid, now: true })}
      >
        {text.signingKeys.removeText}
      </Confirm>
    </Page>
  );
}
