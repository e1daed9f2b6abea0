import { useQuery } from "@connectrpc/connect-query";
import { Play } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type Procedure, SystemService } from "../api/protos.ts";
import { currentCsrfToken } from "../api/session.ts";
import { text } from "../text.ts";
import { StatusBadge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Code } from "../ui/copy.tsx";
import { Field, TextField } from "../ui/field.tsx";
import { formatDuration } from "../ui/numbers.ts";
import { Empty, Fact, Facts, Failed, Loading, Page, Panel } from "../ui/page.tsx";
import { Select } from "../ui/select.tsx";
import { tellError } from "../ui/toasts.tsx";
import { useFilter } from "../ui/use-filter.ts";

interface Answer {
  readonly status: number;
  readonly requestId: string | null;
  readonly body: string;
  readonly ms: number;
}

/** Calls an RPC with a credential of one's choice, as anybody's client would. */
export function TryIt() {
  const query = useQuery(SystemService.method.listProcedures, {}, { staleTime: Number.POSITIVE_INFINITY });
  const procedures = query.data?.procedures.filter(({ kind }) => kind === "unary");
  return (
    <Page title={text.tryIt.title} description={text.tryIt.description}>
      {query.error && !procedures && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading />}
      {procedures && <Caller procedures={procedures} />}
    </Page>
  );
}

function Caller({ procedures }: { procedures: readonly Procedure[] }) {
  const [chosen, setChosen] = useFilter("rpc");
  const [kind, setKind] = useState<"none" | "api_key" | "token">("none");
  const [answer, setAnswer] = useState<Answer>();
  const [busy, setBusy] = useState(false);
  const current = procedures.find(({ procedure }) => procedure === chosen) ?? procedures[0];
  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    try {
      setAnswer(await callWith(current?.procedure ?? "", kind, form));
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  }
  return (
    <div className="grid gap-5 lg:grid-cols-2">
      <Panel title={text.tryIt.request}>
        <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
          <Field label={text.tryIt.procedure}>
            {(ids) => (
              <Select
                {...ids}
                label={text.tryIt.procedure}
                className="w-full"
                value={current?.procedure ?? ""}
                onChoose={(value) => {
                  setChosen(value);
                  setAnswer(undefined);
                }}
                choices={procedures.map(({ procedure }) => ({ value: procedure, label: procedure }))}
              />
            )}
          </Field>
          <Field label={text.tryIt.credential}>
            {(ids) => (
              <Select
                {...ids}
                label={text.tryIt.credential}
                value={kind}
                onChoose={(value) => setKind(value as typeof kind)}
                choices={[
                  { value: "none", label: text.tryIt.none },
                  { value: "api_key", label: text.tryIt.apiKey },
                  { value: "token", label: text.tryIt.token },
                ]}
              />
            )}
          </Field>
          {kind !== "none" && (
            <TextField
              label={kind === "api_key" ? text.tryIt.apiKey : text.tryIt.token}
              name="credential"
              type="password"
              autoComplete="off"
              required
              hint={text.tryIt.notKept}
            />
          )}
          <Field label={text.tryIt.message} hint={text.tryIt.messageHint}>
            {(ids) => (
              <textarea
                {...ids}
                key={current?.procedure}
                name="message"
                rows={10}
                spellCheck={false}
                defaultValue={current?.template}
                className="control h-auto w-full py-2 font-mono text-[13px]"
              />
            )}
          </Field>
          <Button type="submit" look="primary" busy={busy} className="self-start">
            <Play size={15} aria-hidden="true" />
            {text.tryIt.call}
          </Button>
        </form>
      </Panel>
      <Panel title={text.tryIt.answer}>
        <div aria-live="polite">
          {answer ? (
            <Shown answer={answer} />
          ) : (
            <Empty title={text.tryIt.nothing}>{text.tryIt.nothingHint}</Empty>
          )}
        </div>
      </Panel>
    </div>
  );
}

async function callWith(procedure: string, kind: string, form: FormData): Promise<Answer> {
  const credential = String(form.get("credential") ?? "").trim();
  const began = performance.now();
  const response = await fetch(`/admin/try${procedure}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-csrf-token": currentCsrfToken(),
      ...(kind !== "none" && { "x-try-credential": `${kind} ${credential}` }),
    },
    body: String(form.get("message") ?? "{}"),
  });
  const body = await response.text();
  return {
    status: response.status,
    requestId: response.headers.get("x-request-id"),
    body: pretty(body),
    ms: performance.now() - began,
  };
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

function Shown({ answer: { status, requestId, body, ms } }: { answer: Answer }) {
  return (
    <div className="flex flex-col gap-4">
      <Facts>
        <Fact name={text.tryIt.status}>
          <StatusBadge tone={status < 400 ? "good" : "bad"} on={status < 400}>
            {`HTTP ${status}`}
          </StatusBadge>
        </Fact>
        <Fact name={text.logs.duration}>{formatDuration(ms)}</Fact>
        {requestId && (
          <Fact name={text.logs.requestId}>
            <Code>{requestId}</Code>
          </Fact>
        )}
      </Facts>
      <pre
        className="overflow-x-auto rounded-md border border-line bg-page p-3 font-mono text-[13px]"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
        tabIndex={0}
      >
        {body}
      </pre>
    </div>
  );
}
