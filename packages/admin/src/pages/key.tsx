import { timestampDate } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { ArrowLeft } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { Link, useParams } from "wouter";
import { type ApiKey, type ApiKeyNetwork, ApiKeyService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Code } from "../ui/copy.tsx";
import { fromNow } from "../ui/from-now.ts";
import { formatCount } from "../ui/numbers.ts";
import { Fact, Facts, Failed, Loading, Page, Panel, Pending } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { AuditTable } from "./audit-table.tsx";
import { EditKey } from "./edit-key.tsx";
import { KeyStatus } from "./key-status.tsx";
import { RequestTable } from "./request-table.tsx";
import { RotateKey } from "./rotate-key.tsx";
import { lastDays } from "./usage-days.ts";
import { foreseen, useChange } from "./use-change.ts";

const UsageChart = lazy(() => import("./usage-chart.tsx").then(({ UsageChart: one }) => ({ default: one })));

/** Of another key it is another page: nothing of the one before stands there meanwhile. */
export function KeyPage() {
  const { id = "" } = useParams();
  return <OneKey key={id} id={id} />;
}

function OneKey({ id }: { id: string }) {
  const { can } = useMe();
  const query = useQuery(ApiKeyService.method.getApiKey, { id });
  const usage = useQuery(ApiKeyService.method.getApiKeyUsage, { id, period: "day" });
  const apiKey = query.data?.apiKey;
  return (
    <Page
      title={apiKey?.name ?? text.keys.one}
      description={
        <Link href="/keys" className="inline-flex items-center gap-1 hover:text-accent">
          <ArrowLeft size={14} aria-hidden="true" />
          {text.keys.title}
        </Link>
      }
      actions={apiKey && can("auth.keys:write") && <Actions apiKey={apiKey} />}
    >
      {query.error && !apiKey && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading />}
      {apiKey && (
        <>
          {apiKey.graceEndsAt && apiKey.replacedBy && <Grace apiKey={apiKey} />}
          <div className="grid gap-5 lg:grid-cols-2">
            <Identity apiKey={apiKey} />
            <Limits apiKey={apiKey} previous={query.data?.previous} networks={query.data?.networks ?? []} />
          </div>
          <Panel title={text.keys.usage}>
            <Suspense fallback={<Loading lines={4} />}>
              {usage.data ? (
                <UsageChart days={lastDays(usage.data.usage, 30)} />
              ) : (
                <Pending query={usage} lines={6} />
              )}
            </Suspense>
          </Panel>
          {can("auth.logs:read") && (
            <RequestTable
              filter={{ apiKeyId: apiKey.id }}
              title={text.keys.itsRequests}
              without={["key", "user"]}
            />
          )}
          {can("auth.audit:read") && (
            <AuditTable filter={{ target: `key:${apiKey.id}` }} title={text.keys.itsAudit} />
          )}
        </>
      )}
    </Page>
  );
}

function Identity({ apiKey }: { apiKey: ApiKey }) {
  return (
    <Panel title={text.keys.one}>
      <Facts>
        <Fact name={text.keys.status}>
          <span className="flex flex-wrap items-center gap-2">
            <KeyStatus apiKey={apiKey} />
            <Badge>{apiKey.type}</Badge>
          </span>
        </Fact>
        <Fact name={text.keys.prefix}>
          <Code>{apiKey.prefix || apiKey.id}</Code>
        </Fact>
        <Fact name={text.keys.owner}>
          <Link href={`/users/${apiKey.user?.id}`} className="hover:text-accent hover:underline">
            {apiKey.user?.username}
          </Link>
        </Fact>
        {apiKey.description && <Fact name={text.keys.descriptionField}>{apiKey.description}</Fact>}
        <Fact name={text.keys.created}>
          <Time at={apiKey.createdAt} />
        </Fact>
        <Fact name={text.keys.expires}>
          <Time at={apiKey.expiresAt} none={text.keys.never} />
        </Fact>
        {apiKey.revokedAt && (
          <Fact name={text.keys.revokedAt}>
            <Time at={apiKey.revokedAt} /> {apiKey.revokedReason && `· ${apiKey.revokedReason}`}
          </Fact>
        )}
        <Fact name={text.keys.total}>
          <span className="numbers">{formatCount(apiKey.totalRequests)}</span>
        </Fact>
        <Fact name={text.keys.lastUsed}>
          <Time at={apiKey.lastUsedAt} style="relative" none={text.keys.never} />
          {apiKey.lastUsedAddress && <span className="text-soft"> · {apiKey.lastUsedAddress}</span>}
          {apiKey.lastUsedUserAgent && (
            <span className="block truncate text-[13px] text-faint" title={apiKey.lastUsedUserAgent}>
              {apiKey.lastUsedUserAgent}
            </span>
          )}
        </Fact>
      </Facts>
    </Panel>
  );
}

function Limits({
  apiKey,
  previous,
  networks,
}: {
  apiKey: ApiKey;
  previous: ApiKey | undefined;
  networks: readonly ApiKeyNetwork[];
}) {
  const list = (values: readonly string[], none: string) =>
    values.length === 0 ? (
      <span className="text-soft">{none}</span>
    ) : (
      <span className="flex flex-wrap gap-1">
        {values.map((value) => (
          <span key={value} className="rounded-md bg-hover px-1.5 py-0.5">
            <Code>{value}</Code>
          </span>
        ))}
      </span>
    );
  return (
    <Panel title={text.keys.mayDo}>
      <Facts>
        <Fact name={text.keys.scopes}>
          {list([...apiKey.scopes, ...apiKey.roles], text.keys.ownersRights)}
        </Fact>
        <Fact name={text.keys.methods}>{list(apiKey.methods, text.keys.anyMethod)}</Fact>
        <Fact name={text.keys.addresses}>{list(apiKey.addressRanges, text.keys.anyAddress)}</Fact>
        <Fact name={text.keys.limits}>
          {list(
            apiKey.limits.map(({ calls, per }) => `${calls}/${per}`),
            text.keys.noLimits,
          )}
        </Fact>
        <Fact name={text.keys.seen}>
          <Seen networks={networks} />
        </Fact>
        {apiKey.tags.length > 0 && <Fact name={text.keys.tags}>{list(apiKey.tags, "")}</Fact>}
        {previous && (
          <Fact name={text.keys.replaces}>
            <Link href={`/keys/${previous.id}`} className="hover:text-accent hover:underline">
              <Code>{previous.prefix || previous.id}</Code>
            </Link>
            <span className="block text-[13px] text-soft">{lastUseOf(previous)}</span>
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}

/** Where it was used from: the latest, and when. */
function Seen({ networks }: { networks: readonly ApiKeyNetwork[] }) {
  const shown = networks.slice(0, 5);
  if (shown.length === 0) return <span className="text-soft">{text.keys.neverSeen}</span>;
  return (
    <ul className="flex flex-col gap-0.5">
      {shown.map(({ network, lastUsedAt }) => (
        <li key={network} className="flex flex-wrap items-baseline gap-x-3">
          <Code>{network}</Code>
          <span className="text-[13px] text-faint">
            <Time at={lastUsedAt} style="relative" />
          </span>
        </li>
      ))}
      {networks.length > shown.length && (
        <li className="text-[13px] text-faint">{text.keys.moreSeen(networks.length - shown.length)}</li>
      )}
    </ul>
  );
}

/** `last used 3 minutes ago, from 10.0.0.7`. */
function lastUseOf({ lastUsedAt, lastUsedAddress }: ApiKey): string {
  if (lastUsedAt === undefined) return text.keys.neverUsed;
  return text.keys.lastUse(fromNow(timestampDate(lastUsedAt)), lastUsedAddress);
}

/** A key that was replaced, while it still works. */
function Grace({ apiKey }: { apiKey: ApiKey }) {
  const end = useChange(ApiKeyService.method.endApiKeyGrace, { said: text.keys.graceEnded });
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 rounded-xl border border-line bg-accent-soft px-5 py-3">
      <p>
        {text.keys.replacedBy}{" "}
        <Link href={`/keys/${apiKey.replacedBy}`} className="font-medium underline">
          <Code>{apiKey.replacedBy}</Code>
        </Link>
        . {text.keys.worksUntil} <Time at={apiKey.graceEndsAt} />. {lastUseOf(apiKey)}
      </p>
      {apiKey.status === "active" && (
        <Button size="small" busy={end.busy} onClick={() => end.run({ id: apiKey.id })}>
          {text.keys.endGrace}
        </Button>
      )}
    </div>
  );
}

function Actions({ apiKey }: { apiKey: ApiKey }) {
  const [asked, setAsked] = useState<"edit" | "rotate" | "revoke">();
  const { disableApiKey, enableApiKey, revokeApiKey } = ApiKeyService.method;
  const shownAs = (status: string) =>
    foreseen(ApiKeyService.method.getApiKey, { id: apiKey.id }, (before) => ({
      ...before,
      ...(before.apiKey && { apiKey: { ...before.apiKey, status } }),
    }));
  const disable = useChange(disableApiKey, { said: text.keys.disabledToast, foreseen: shownAs("disabled") });
  const enable = useChange(enableApiKey, { said: text.keys.enabledToast, foreseen: shownAs("active") });
  const switching = disable.busy || enable.busy;
  const revoke = useChange(revokeApiKey, {
    said: text.keys.revokedToast(1),
    onDone: () => setAsked(undefined),
  });
  const { id, status, replacedBy } = apiKey;
  if (status === "revoked") return null;
  return (
    <>
      <Button onClick={() => setAsked("edit")}>{text.keys.edit}</Button>
      {status !== "expired" && !replacedBy && (
        <Button onClick={() => setAsked("rotate")}>{text.keys.rotate}</Button>
      )}
      {status === "disabled" ? (
        <Button busy={switching} onClick={() => enable.run({ id })}>
          {text.keys.enable}
        </Button>
      ) : (
        <Button busy={switching} onClick={() => disable.run({ id })}>
          {text.keys.disable}
        </Button>
      )}
      <Button look="danger" onClick={() => setAsked("revoke")}>
        {text.keys.revoke}
      </Button>
      <EditKey apiKey={apiKey} open={asked === "edit"} onClose={() => setAsked(undefined)} />
      <RotateKey id={id} open={asked === "rotate"} onClose={() => setAsked(undefined)} />
      <Confirm
        open={asked === "revoke"}
        onClose={() => setAsked(undefined)}
        title={text.keys.revokeTitle(1)}
        action={text.keys.revoke}
        busy={revoke.busy}
        asksReason
        onConfirm={(reason) => revoke.run({ id, reason })}
      >
        {text.keys.revokeText}
      </Confirm>
    </>
  );
}
