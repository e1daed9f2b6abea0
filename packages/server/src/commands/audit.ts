import { create } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { AuditService, type VerifyAuditResponse } from "countersign/descriptors";
import type { Administration } from "../administration/administration.ts";
import { CommandFailure, UsageError } from "../terminal/failure.ts";
import { note, print, printMessage } from "../terminal/output.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "./audit-options.ts";
import { auditColumns, auditDetails } from "./audit-text.ts";
import { addGroup, type Named } from "./command.ts";
import { addPageOptions, type PageOptions, printPages } from "./pages.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { listAudit, getAudit, exportAudit, verifyAudit } = AuditService.method;

/** `countersign audit`: who changed what, and whether the log is as it was written. */
export function addAuditCommand(program: Command, named: Named): void {
  const audit = addGroup(program, named);
  addList(audit);
  addShow(audit);
  addExport(audit);
  addVerify(audit);
}

function addList(audit: Command): void {
  const command = addTargetCommand(audit, {
    usage: "list",
    description: "changes, newest first",
    examples: [
      "audit list --since 24h",
      "audit list --target user:7 --all",
      "audit list --action key.revoked -o json",
    ],
  });
  addPageOptions(addFilterOptions(command)).action((options: PageOptions & FilterOptions) =>
    administer(options, async (administration) => {
      const filter = await filterOf(administration, options);
      await printPages(options, {
        async read(page) {
          const answer = await administration.call(listAudit, { ...page, filter });
          return { rows: answer.records, nextPageToken: answer.nextPageToken };
        },
        output: listAudit.output,
        answer: (records, nextPageToken) => create(listAudit.output, { records, nextPageToken }),
        columns: auditColumns,
        none: "No changes.",
      });
    }),
  );
}

function addShow(audit: Command): void {
  addTargetCommand(audit, {
    usage: "show <number>",
    description: "one change: what was there, and what is there since",
    examples: ["audit show 512", "audit show 512 -o json"],
  }).action((number: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      if (!/^\d{1,15}$/.test(number))
        throw new UsageError("a change is named by its number, as `countersign audit list` tells it");
      const answer = await administration.call(getAudit, { sequence: BigInt(number) });
      if (options.output === "json") return printMessage(getAudit.output, answer);
      print(auditDetails(answer.record));
    }),
  );
}

interface ExportOptions extends TargetOptions, FilterOptions {
  readonly format: string;
}

function addExport(audit: Command): void {
  const command = addTargetCommand(audit, {
    usage: "export",
    description: "changes as a file, oldest first, to standard output",
    more: "Cells of CSV that a spreadsheet would take for a formula begin with an apostrophe.",
    examples: ["audit export --since 30d > changes.ndjson", "audit export --format csv > changes.csv"],
  });
  addFilterOptions(command)
    .addOption(new Option("--format <format>", "of the file").choices(["ndjson", "csv"]).default("ndjson"))
    .action((options: ExportOptions) =>
      administer(options, async (administration) => {
        const { format } = options;
        const filter = await filterOf(administration, options);
        const parts = administration.stream(exportAudit, { format, filter });
        for await (const { data } of parts) print(data);
      }),
    );
}

interface VerifyOptions extends TargetOptions {
  readonly anchor?: string | undefined;
}

function addVerify(audit: Command): void {
  addTargetCommand(audit, {
    usage: "verify",
    description:
      "check every record against the one before and its seal; the first one that is wrong is named",
    more: "It ends by telling the last record as NUMBER:HASH. Kept where whoever has the database cannot change it, and given\nas --anchor the next time, that says whether everything up to there is what it was.",
    examples: ["audit verify", "audit verify --anchor 512:9f86d0…", "audit verify -o json"],
  })
    .option("--anchor <number:hash>", "a record that was there once, as an earlier check told it")
    .action((options: VerifyOptions) =>
      administer(options, async (administration) => {
        const answer = await verdictOf(administration, anchorOf(options.anchor));
        if (options.output === "json") printMessage(verifyAudit.output, answer);
        const { verdict } = answer;
        if (verdict === undefined)
          throw new CommandFailure("UNAVAILABLE", "the check did not come to an end");
        if (verdict.fault !== "")
          throw new CommandFailure("DATA_LOSS", faultText(verdict.fault, verdict.brokenSequence));
        if (options.output === "text") print(soundText(verdict, answer.checked));
      }),
    );
}

function anchorOf(text: string | undefined) {
  if (text === undefined) return {};
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (match === null) throw new UsageError("--anchor is NUMBER:HASH, as `countersign audit verify` told it");
  const [, sequence = "", hash = ""] = match;
  return { anchorSequence: BigInt(sequence), anchorHash: hash };
}

/** Says how far it is, about once a second. */
async function verdictOf(
  administration: Administration,
  anchor: ReturnType<typeof anchorOf>,
): Promise<VerifyAuditResponse> {
  let last = create(verifyAudit.output);
  let told = performance.now();
  for await (const answer of administration.stream(verifyAudit, anchor)) {
    last = answer;
    if (answer.verdict !== undefined || performance.now() - told < 1000) continue;
    told = performance.now();
    note(`${answer.checked} of ${answer.total} records checked`);
  }
  return last;
}

const faults: Readonly<Record<string, string>> = {
  changed: "it is not what was written: it was changed, or moved from elsewhere",
  missing: "it was removed",
  cut: "it and all after it were removed",
  added: "it was not written by this program",
  unsealed: "it was written without the master key",
  forged: "its seal is of no key that is known",
  "never sealed":
    "no record is sealed with this master key: it is another one, or the whole log was written anew",
  anchor: "it is not the record of the anchor: the log was written anew",
};

function faultText(fault: string, sequence: bigint): string {
  return `the audit log is broken at record ${sequence}: ${faults[fault] ?? fault}`;
}

function soundText(
  { headSequence, headHash, sealedFrom }: NonNullable<VerifyAuditResponse["verdict"]>,
  checked: bigint,
): string {
  const sealed = sealedFrom === 0n ? "not sealed" : `sealed from record ${sealedFrom} on`;
  return `${checked} records are as they were written, and ${sealed}.\nAnchor: ${headSequence}:${headHash}\n`;
}
