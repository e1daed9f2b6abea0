import { create } from "@bufbuild/protobuf";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type ApiKeyFinding, ApiKeyService } from "countersign/descriptors";
import { findUserId } from "../administration/find-user.ts";
import { note, print, printMessage } from "../terminal/output.ts";
import { plural } from "../terminal/plural.ts";
import { type Column, instant, table } from "../terminal/table.ts";
import { wholeNumber } from "./command.ts";
import { keyId, msOf } from "./key-argument.ts";
import { keyTitle } from "./key-text.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { getApiKeyUsage, listApiKeyFindings } = ApiKeyService.method;

/** `countersign keys usage` and `hygiene` */
export function addKeyInsightCommands(keys: Command): void {
  addUsage(keys);
  addHygiene(keys);
}

interface UsageOptions extends TargetOptions {
  readonly by?: string | undefined;
  readonly since?: string | undefined;
}

function addUsage(keys: Command): void {
  addTargetCommand(keys, {
    usage: "usage <id>",
    description: "calls with a key by the day or by the hour, of UTC",
    examples: ["keys usage 0A1b2C3d4E5f6G7h8", "keys usage 0A1b2C3d4E5f6G7h8 --by hour --since 48h -o json"],
  })
    .option("--by <period>", "day or hour (default: day)")
    .option("--since <duration>", "how far back (default: 30d, by the hour 24h)")
    .action((id: string, options: UsageOptions) =>
      administer(options, async (administration) => {
        const since = msOf("--since", options.since);
        const period = options.by ?? "";
        const answer = await administration.call(getApiKeyUsage, {
          ...{ id: keyId(id), period },
          ...(since !== undefined && { from: timestampFromMs(Date.now() - since) }),
        });
        if (options.output === "json") return printMessage(getApiKeyUsage.output, answer);
        const { apiKey, usage } = answer;
        const length = period === "hour" ? "2026-01-01T00".length : "2026-01-01".length;
        const columns: readonly Column<(typeof usage)[number]>[] = [
          [
            period === "hour" ? "HOUR" : "DAY",
            ({ startsAt }) => instant(startsAt && timestampDate(startsAt)).slice(0, length),
          ],
          ["ALLOWED", ({ allowed }) => String(allowed)],
          ["DENIED", ({ denied }) => String(denied)],
        ];
        print(table(columns, usage, "No calls in this time."));
        const total = plural(Number(apiKey?.totalRequests ?? 0n), "allowed call");
        note(`${total} with ${keyTitle(apiKey)} in all`);
      }),
    );
}

interface HygieneOptions extends TargetOptions {
  readonly owner?: string | undefined;
  readonly unusedDays?: number | undefined;
  readonly manyAddresses?: number | undefined;
  readonly strict?: boolean | undefined;
}

const findingColumns: readonly Column<ApiKeyFinding>[] = [
  ["FINDING", ({ kind }) => kind],
  ["ID", ({ apiKey }) => apiKey?.id ?? ""],
  ["NAME", ({ apiKey }) => apiKey?.name ?? ""],
  ["USER", ({ apiKey }) => apiKey?.user?.username ?? ""],
  ["WHAT", ({ detail }) => detail],
];

function addHygiene(keys: Command): void {
  addTargetCommand(keys, {
    usage: "hygiene",
    description: "keys that are not used, do not end, are shared, or may do more than they need",
    examples: ["keys hygiene", "keys hygiene --unused-days 30 --strict -o json"],
  })
    .option("--owner <user>", "keys of one user")
    .option("--unused-days <n>", "how long is unused (default: as configured, 90)", wholeNumber)
    .option("--many-addresses <n>", "how many networks are many (default: as configured, 10)", wholeNumber)
    .option("--strict", "exit code 1 if there is anything to say")
    .action((options: HygieneOptions) =>
      administer(options, async (administration) => {
        const { unusedDays = 0, manyAddresses = 0, owner, strict = false, output } = options;
        const whose = owner === undefined ? {} : { userId: await findUserId(administration, owner) };
        const findings: ApiKeyFinding[] = [];
        let pageToken = "";
        do {
          const request = { ...whose, unusedDays, manyAddresses, pageToken };
          const page = await administration.call(listApiKeyFindings, request);
          findings.push(...page.findings);
          pageToken = page.nextPageToken;
        } while (pageToken !== "");
        if (output === "json")
          printMessage(listApiKeyFindings.output, create(listApiKeyFindings.output, { findings }));
        else print(table(findingColumns, findings, "Nothing to tidy up."));
        if (strict && findings.length > 0) process.exitCode = 1;
      }),
    );
}
