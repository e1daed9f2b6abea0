import { createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { ShieldAlert, ShieldCheck, ShieldQuestion } from "lucide-react";
import { useEffect, useState } from "react";
import { AuditService, type VerifyAuditResponse } from "../api/protos.ts";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { ExportButton } from "../ui/export-button.tsx";
import { Page } from "../ui/page.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { tellError } from "../ui/toasts.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { type AuditQuery, AuditTable } from "./audit-table.tsx";

export function Audit() {
  const [search, setSearch] = useFilter("q");
  const [asked] = useFilter("verify");
  const filter: AuditQuery = { text: search };
  return (
    <Page
      title={text.audit.title}
      description={text.audit.description}
      actions={<ExportButton list="audit" filter={() => ({ text: search })} />}
    >
      <Verification key={asked} asked={asked !== ""} />
      <AuditTable
        title={text.audit.title}
        filter={filter}
        toolbar={<SearchBox label={text.audit.search} value={search} onSearch={setSearch} />}
      />
    </Page>
  );
}

/** Is the log as it was written? Asked when somebody wants to know, because it reads all of it. */
function Verification({ asked }: { asked: boolean }) {
  const transport = useTransport();
  const [state, setState] = useState<VerifyAuditResponse>();
  const [busy, setBusy] = useState(false);
  async function verify(): Promise<void> {
    setBusy(true);
    try {
      for await (const answer of createClient(AuditService, transport).verifyAudit({})) setState(answer);
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, where the address asks for it
  useEffect(() => {
    if (asked) void verify();
  }, [asked]);
  const verdict = state?.verdict;
  const broken = verdict !== undefined && verdict.fault !== "";
  const Icon = verdict === undefined ? ShieldQuestion : broken ? ShieldAlert : ShieldCheck;
  return (
    <div
      className={`flex flex-wrap items-center justify-between gap-3 rounded-xl border border-line px-5 py-3 ${broken ? "bg-bad-soft" : verdict ? "bg-good-soft" : "bg-panel"}`}
    >
      <p aria-live="polite" className="flex items-center gap-2">
        <Icon
          size={18}
          aria-hidden="true"
          className={`shrink-0 ${broken ? "text-bad" : verdict ? "text-good" : "text-faint"}`}
        />
        {verdict === undefined && (state ? text.audit.checking(state.checked) : text.audit.unchecked)}
        {verdict !== undefined &&
          (broken
            ? text.audit.broken(String(verdict.brokenSequence), verdict.fault)
            : text.audit.intact(verdict.headSequence))}
      </p>
      <Button busy={busy} onClick={() => void verify()}>
        {text.audit.verify}
      </Button>
    </div>
  );
}
