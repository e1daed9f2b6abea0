import { createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { AuditService, type VerifyAuditResponse } from "../api/protos.ts";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { ExportButton } from "../ui/export-button.tsx";
import { formatCount } from "../ui/numbers.ts";
import { Page } from "../ui/page.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { tellError } from "../ui/toasts.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { type AuditQuery, AuditTable } from "./audit-table.tsx";

export function Audit() {
  const [search, setSearch] = useFilter("q");
  const filter: AuditQuery = { text: search };
  return (
    <Page title={text.audit.title} description={text.audit.description} actions={<Export filter={filter} />}>
      <Verification />
      <AuditTable
        title={text.audit.title}
        filter={filter}
        toolbar={<SearchBox label={text.audit.search} value={search} onSearch={setSearch} />}
      />
    </Page>
  );
}

/** Is the log as it was written? Asked when somebody wants to know, because it reads all of it. */
function Verification() {
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
  const verdict = state?.verdict;
  const broken = verdict !== undefined && verdict.fault !== "";
  return (
    <div
      className={`flex flex-wrap items-center justify-between gap-3 rounded-xl border border-line px-5 py-3 ${broken ? "bg-bad-soft" : verdict ? "bg-good-soft" : "bg-panel"}`}
    >
      <p aria-live="polite" className="flex items-center gap-2">
        <ShieldCheck size={18} aria-hidden="true" className={broken ? "text-bad" : "text-good"} />
        {verdict === undefined &&
          (state ? text.audit.checking(formatCount(state.checked)) : text.audit.unchecked)}
        {verdict !== undefined &&
          (broken
            ? text.audit.broken(String(verdict.brokenSequence), verdict.fault)
            : text.audit.intact(formatCount(verdict.headSequence)))}
      </p>
      <Button busy={busy} onClick={() => void verify()}>
        {text.audit.verify}
      </Button>
    </div>
  );
}

function Export({ filter }: { filter: AuditQuery }) {
  const transport = useTransport();
  return (
    <ExportButton
      file="audit.csv"
      pieces={() => createClient(AuditService, transport).exportAudit({ filter, format: "csv" })}
    />
  );
}
