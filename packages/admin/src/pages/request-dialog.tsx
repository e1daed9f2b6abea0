import { Link } from "wouter";
import type { LoggedRequest } from "../api/protos.ts";
import { text } from "../text.ts";
import { Code } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { formatDuration } from "../ui/numbers.ts";
import { Fact, Facts } from "../ui/page.tsx";
import { Time } from "../ui/time.tsx";
import { Explanation } from "./explanation.tsx";
import { KeyName, UserName } from "./names.tsx";
import { Outcome } from "./outcome.tsx";

/** One call in full, and why it was allowed or refused. */
export function RequestDialog({
  request,
  onClose,
}: {
  request: LoggedRequest | undefined;
  onClose: () => void;
}) {
  return (
    <Dialog wide open={request !== undefined} onClose={onClose} title={text.logs.one}>
      {request && <Content request={request} />}
    </Dialog>
  );
}

function Content({ request }: { request: LoggedRequest }) {
  const { userId, apiKeyId } = request;
  return (
    <div className="flex flex-col gap-5">
      <Facts>
        <Fact name={text.logs.status}>
          <span className="flex items-center gap-2">
            <Outcome request={request} />
            {request.reason && <span className="text-soft">{request.code}</span>}
          </span>
        </Fact>
        <Fact name={text.logs.procedure}>
          <Code>{request.procedure}</Code>
        </Fact>
        <Fact name={text.logs.requestId}>
          <Code>{request.requestId}</Code>
        </Fact>
        <Fact name={text.logs.at}>
          <Time at={request.endedAt} style="exact" /> · {formatDuration(request.durationMs)}
        </Fact>
        <Fact name={text.logs.user}>
          {userId ? (
            <Link href={`/users/${userId}`} className="hover:text-accent hover:underline">
              <UserName id={userId} />
            </Link>
          ) : (
            text.logs.nobody
          )}
          {request.authenticator && <span className="text-soft"> · {request.authenticator}</span>}
        </Fact>
        {apiKeyId && (
          <Fact name={text.logs.key}>
            <Link href={`/keys/${apiKeyId}`} className="hover:text-accent hover:underline">
              <KeyName id={apiKeyId} />
            </Link>{" "}
            <Code>{apiKeyId}</Code>
          </Fact>
        )}
        <Fact name={text.logs.peer}>
          {request.peer} · {request.protocol}
        </Fact>
        <Fact name={text.logs.agent}>{request.userAgent || "—"}</Fact>
        <Fact name={text.logs.messages}>{text.logs.messageCounts(request.received, request.sent)}</Fact>
        {request.rule && (
          <Fact name={text.logs.rule}>
            <Code>{request.rule}</Code>
          </Fact>
        )}
        {request.missing && (
          <Fact name={text.logs.missing}>
            <Code>{request.missing}</Code>
          </Fact>
        )}
      </Facts>
      <section>
        <h3 className="mb-2 font-semibold">{text.logs.now}</h3>
        <Explanation userId={/^\d+$/.test(userId) ? BigInt(userId) : 0n} procedure={request.procedure} />
      </section>
    </div>
  );
}
