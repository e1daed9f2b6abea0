import type { Command } from "commander";
import { isToken } from "../administration/credential.ts";
import {
  type DecodedToken,
  decodeToken,
  judgeToken,
  type TokenVerdict,
  unjudged,
} from "../administration/inspect-token.ts";
import { CommandFailure, UsageError } from "../terminal/failure.ts";
import { print, printJson } from "../terminal/output.ts";
import { readSecretFile, readStandardInput } from "../terminal/read-secret.ts";
import { details, instant } from "../terminal/table.ts";
import { perform } from "./command.ts";
import { addTargetCommand, openTarget, type TargetOptions } from "./target.ts";

/** `countersign tokens inspect` */
export function addInspectCommand(tokens: Command): void {
  addTargetCommand(tokens, {
    usage: "inspect [file]",
    description:
      "what is in a token, and whether a server takes it: one with this configuration, or a running one",
    more: 'It is read from the file, or from standard input ("-", or no file). The exit code is 0 for a good token only.',
    examples: ["tokens mint --user sam | countersign tokens inspect", "tokens inspect ./token -o json"],
  }).action((file: string | undefined, options: TargetOptions) =>
    perform(options, () => inspect(file, options)),
  );
}

async function inspect(file: string | undefined, options: TargetOptions): Promise<void> {
  const token = await readToken(file);
  const decoded = decodeToken(token);
  const verdict = await judge(token, options);
  if (options.output === "json") printJson({ ...decoded, times: timesOf(decoded), ...verdict });
  else print(report(decoded, verdict));
  if (!verdict.good) process.exitCode = 1;
}

async function readToken(file: string | undefined): Promise<string> {
  if (file !== undefined && isToken(file)) {
    throw new UsageError(
      "a token does not come from an argument, where shell histories and process lists show it: name a file, or use standard input",
    );
  }
  const text = file === undefined || file === "-" ? await readStandardInput() : readSecretFile(file);
  const token = text.trim().replace(/^Bearer /i, "");
  if (token.split(".").length >= 3) return token;
  throw new CommandFailure(
    "INVALID_ARGUMENT",
    "that is no token: three parts with dots between them are expected",
  );
}

async function judge(token: string, options: TargetOptions): Promise<TokenVerdict> {
  if (options.server !== undefined) return ask(token, options);
  return ask(token, options).catch(unjudged);
}

async function ask(token: string, options: TargetOptions): Promise<TokenVerdict> {
  const administration = await openTarget(options);
  try {
    return await judgeToken(token, administration);
  } finally {
    await administration.close();
  }
}

const instants = ["iat", "nbf", "exp"];

/** The claims that are instants, so that a person can read them. */
function timesOf({ claims = {} }: DecodedToken): Readonly<Record<string, string>> {
  return Object.fromEntries(
    instants.flatMap((name) => {
      const time = timeOf(claims[name]);
      return time === undefined ? [] : [[name, time]];
    }),
  );
}

function timeOf(seconds: unknown): string | undefined {
  const date = typeof seconds === "number" ? new Date(seconds * 1000) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : instant(date);
}

function report(decoded: DecodedToken, verdict: TokenVerdict): string {
  const believed = verdict.verified ? "" : " (NOT VERIFIED: anyone may have written this)";
  const times = timesOf(decoded);
  return [
    `Header${believed}\n${members(decoded.header, {})}`,
    `Claims${believed}\n${members(decoded.claims, times)}`,
    verdictText(verdict),
  ].join("\n");
}

function members(part: DecodedToken["header"], times: Readonly<Record<string, string>>): string {
  if (part === undefined) return "  cannot be read\n";
  const lines = Object.entries(part).map(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const time = times[name];
    return [`  ${name}`, time === undefined ? text : `${text}  ${time}`] as const;
  });
  return lines.length === 0 ? "  nothing\n" : details(lines);
}

function verdictText({ good, problem, user }: TokenVerdict): string {
  const whose = user === undefined ? "" : ` It is ${user.username}'s (id ${user.id}).`;
  if (good) return `Good: it is accepted.${whose}\n`;
  return `Not good: ${problem?.cause ?? "refused"} (${problem?.reason ?? "TOKEN_INVALID"}).${whose}\n`;
}
