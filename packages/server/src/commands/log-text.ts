import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import type { LoggedRequest, LogService } from "countersign/descriptors";
import type { Administration } from "../administration/administration.ts";
import { findKeyId } from "../administration/find-key.ts";
import { findUserId } from "../administration/find-user.ts";
import { statusNames, UsageError } from "../terminal/failure.ts";
import type { Column } from "../terminal/table.ts";
import { collect } from "./command.ts";
import { instantForms, stretchOf } from "./instant-argument.ts";
import { keyId } from "./key-argument.ts";

/** What commands about requests can be told to look for. */
export interface FilterOptions {
  readonly key?: string | undefined;
  readonly user?: string | undefined;
  readonly status?: string | undefined;
  readonly code?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  readonly method?: string | undefined;
  readonly protocol?: string | undefined;
  readonly text?: string | undefined;
  readonly tenant?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** Adds the options of a filter. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--user <user>", "calls of this user, by username, email or id")
    .option("--status <status>", "success or error")
    .option("--code <status>", "a gRPC status, NOT_FOUND or 5; may be there several times", collect)
    .option("--reason <reason>", "why a call was refused, such as TOKEN_EXPIRED")
    .option("--method <method>", "/package.Service/Method")
    .option("--protocol <protocol>", "grpc, connect, grpc-web or http")
    .option("--text <text>", "part of the method, user agent, address or request id")
    .option("--tenant <tenant>", "calls of the users and keys of this tenant");
}

/** Adds the options of a stretch of time. */
export function addTimeOptions(command: Command, usual: string): Command {
  return command
    .option("--since <time>", `${instantForms} (${usual})`)
    .option("--until <time>", "likewise (default: now)");
}

type Filter = NonNullable<MessageInitShape<typeof LogService.method.listRequests.input>["filter"]>;

export async function filterOf(administration: Administration, options: FilterOptions): Promise<Filter> {
  const { key = "", user, status = "", code = [], reason = "", method, protocol = "", text = "" } = options;
  const { tenant = "" } = options;
  return {
    apiKeyId: await findKeyId(administration, keyId(key)),
    // `id:7` also finds the calls of a user who is gone.
    userId: user === undefined ? "" : String(await findUserId(administration, user)),
    ...{ status, codes: code.map(statusFrom), reason, protocol, text, tenant },
    procedure: method === undefined ? "" : procedureOf(method),
    ...stretchOf(options),
  };
}

/** `/package.Service/Method`, also without the first slash; a path of HTTP as it is. */
export function procedureOf(method: string): string {
  return method.startsWith("/") || method.includes(" ") ? method : `/${method}`;
}

/** A gRPC status by its name, however it is written, or by its number. Throws `UsageError` for what is none. */
export function statusFrom(text: string): string {
  const bare = (name: string): string => name.replaceAll("_", "").toUpperCase();
  const named = /^\d{1,2}$/.test(text)
    ? statusNames[Number(text)]
    : statusNames.find((name) => bare(name) === bare(text));
  if (named !== undefined) return named;
  throw new UsageError("--code is a gRPC status such as NOT_FOUND, or its number from 0 to 16");
}

/** `2026-11-22T08:13:22.808Z` */
export function endedAt({ endedAt: at }: Pick<LoggedRequest, "endedAt">): string {
  return at === undefined ? "" : timestampDate(at).toISOString();
}

export function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return "";
  return ms < 10 ? `${ms.toFixed(2)} ms` : `${Math.round(ms)} ms`;
}

export const requestColumns: readonly Column<LoggedRequest>[] = [
  ["ended", endedAt],
  ["request", ({ requestId }) => requestId],
  ["method", ({ procedure }) => procedure],
  ["status", ({ code, reason }) => (reason === "" || reason === code ? code : `${code} ${reason}`)],
  ["user", ({ userId }) => userId],
  ["key", ({ apiKeyId }) => apiKeyId],
  ["took", ({ durationMs }) => milliseconds(durationMs)],
  ["from", ({ peer }) => peer],
];

/** All that is known of one request, as names and values. */
export function requestDetails(request: LoggedRequest): readonly (readonly [string, string])[] {
  const { code, reason, authenticator, protocol, userAgent, rule, missing } = request;
  return [
    ["request", request.requestId],
    ["ended", endedAt(request)],
    ["took", milliseconds(request.durationMs)],
    ["method", request.procedure],
    ["protocol", protocol],
    ["status", code],
    ["reason", reason],
    ["user", request.userId],
    ["tenant", request.tenant],
    ["API key", request.apiKeyId],
    ["recognised by", authenticator],
    ["from", request.peer],
    ["user agent", userAgent],
    ["messages", `${request.received} in, ${request.sent} out`],
    ["rule", rule],
    ["missing", missing],
  ];
}

/** One line of a log that goes on. */
export function requestLine(request: LoggedRequest): string {
  return requestColumns
    .map(([, cell]) => cell(request))
    .map((cell) => (cell === "" ? "-" : cell))
    .join("  ");
}
