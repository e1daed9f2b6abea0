import { useQuery } from "@connectrpc/connect-query";
import { ArrowLeft } from "lucide-react";
import { Link, useParams } from "wouter";
import { UserService } from "../api/protos.ts";
import { useMe } from "../api/rights.ts";
import { text } from "../text.ts";
import { StatusBadge } from "../ui/badge.tsx";
import { buttonClass } from "../ui/button.tsx";
import { Code } from "../ui/copy.tsx";
import { Fact, Facts, Failed, Loading, Page, Panel } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { AuditTable } from "./audit-table.tsx";
import { SessionTable } from "./session-table.tsx";
import { type AccountProps, UserActions } from "./user-actions.tsx";
import { UserRoles } from "./user-roles.tsx";
import { Rank, UserStatus } from "./users.tsx";

/** Of another user it is another page: nothing of the one before stands there meanwhile. */
export function UserPage() {
  const { id = "" } = useParams();
  return <OneUser key={id} id={id} />;
}

function OneUser({ id }: { id: string }) {
  const { can } = useMe();
  const query = useQuery(UserService.method.getUser, {
    selector: { case: "id", value: /^\d+$/.test(id) ? BigInt(id) : 0n },
  });
  const user = query.data?.user;
  return (
    <Page
      title={user?.username ?? text.users.one}
      description={
        <Link href="/users" className="inline-flex items-center gap-1 hover:text-accent">
          <ArrowLeft size={14} aria-hidden="true" />
          {text.users.title}
        </Link>
      }
      actions={user && <UserActions user={user} hasSecondFactor={query.data?.hasSecondFactor ?? false} />}
    >
      {query.error && !user && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading />}
      {user && (
        <>
          <div className="grid gap-5 lg:grid-cols-2">
            <Account user={user} hasSecondFactor={query.data?.hasSecondFactor ?? false} />
            <UserRoles user={user} />
          </div>
          <SessionTable userId={user.id} />
          {can("auth.audit:read") && (
            <AuditTable filter={{ target: `user:${user.id}` }} title={text.users.audit} />
          )}
        </>
      )}
    </Page>
  );
}

function Account({ user, hasSecondFactor }: AccountProps) {
  const { can } = useMe();
  return (
    <Panel
      title={text.users.account}
      actions={
        <span className="flex gap-1">
          {can("auth.keys:read") && (
            <Link href={`/keys?user=${user.id}`} className={buttonClass({ look: "ghost", size: "small" })}>
              {text.users.itsKeys}
            </Link>
          )}
          {can("auth.logs:read") && (
            <Link href={`/logs?user=${user.id}`} className={buttonClass({ look: "ghost", size: "small" })}>
              {text.users.itsCalls}
            </Link>
          )}
        </span>
      }
    >
      <Facts>
        <Fact name={text.users.status}>
          <span className="flex flex-wrap gap-1.5">
            <UserStatus user={user} />
            <Rank user={user} />
          </span>
        </Fact>
        <Fact name={text.users.secondFactor}>
          <StatusBadge tone={hasSecondFactor ? "good" : "plain"} on={hasSecondFactor}>
            {hasSecondFactor ? text.users.factorOn : text.users.factorOff}
          </StatusBadge>
        </Fact>
        <Fact name={text.users.email}>{user.email || "—"}</Fact>
        <Fact name={text.users.id}>
          <Code>{String(user.id)}</Code>
        </Fact>
        <Fact name={text.users.created}>
          <Time at={user.createdAt} />
        </Fact>
        <Fact name={text.users.changed}>
          <Time at={user.updatedAt} />
        </Fact>
        {user.passwordLockedAt && (
          <Fact name={text.users.locked}>
            <Time at={user.passwordLockedAt} />
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}
