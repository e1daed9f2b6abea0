import type { Command } from "commander";
import { ApiKeyService, type LeakedApiKey } from "countersign/descriptors";
import { type Leak, missingPaths, type ScanResult, scanFiles } from "../keys/scan-files.ts";
import { oneLine, UsageError } from "../terminal/failure.ts";
import { note, print, printJson } from "../terminal/output.ts";
import { plural } from "../terminal/plural.ts";
import { perform } from "./command.ts";
import { keyId } from "./key-argument.ts";
import { addTargetCommand, openTarget, type TargetOptions } from "./target.ts";

const { reportLeakedApiKeys } = ApiKeyService.method;

interface ScanOptions extends TargetOptions {
  readonly prefix?: string | undefined;
  readonly revoke?: boolean | undefined;
  readonly reason?: string | undefined;
}

/** `countersign keys scan` */
export function addKeyScanCommand(keys: Command): void {
  addTargetCommand(keys, {
    usage: "scan <path...>",
    description:
      "look for keys in files and folders, by their form and checksum; exit code 1 if there are any",
    more: [
      "Everything is looked at, hidden and ignored files, too; links in folders are not followed. `-` is standard input, as in",
      "git log -p --all | countersign keys scan -. No key is printed, only its id and where it stands.",
      "The exit code is 0 where everything was looked at and no key is there, 1 where there are keys, and 2 where a path is not there",
      "or something could not be looked at.",
      "With --revoke, keys whose secret is right are revoked; that needs the store, or --server and a credential.",
    ].join("\n"),
    examples: ["keys scan .", "keys scan ./logs --revoke --server auth.example.com:443"],
  })
    .option("--prefix <prefix>", "what keys begin with (default: as configured, cs)")
    .option("--revoke", "revoke those that are found")
    .option("--reason <text>", "with --revoke: kept with the key (default: where it was found)")
    .action((paths: readonly string[], options: ScanOptions) => perform(options, () => scan(paths, options)));
}

async function scan(paths: readonly string[], options: ScanOptions): Promise<void> {
  const { revoke = false, output } = options;
  if (options.reason !== undefined && !revoke) throw new UsageError("--reason goes with --revoke");
  requireThere(paths);
  const result = await scanFiles(paths, { prefix: await prefixOf(options), onProgress: progress() });
  const { leaks, unread } = result;
  const verdicts = revoke && leaks.length > 0 ? await report(leaks, options) : undefined;
  if (output === "json") printJson(toJson(result, verdicts));
  else tell(result, verdicts);
  if (leaks.length > 0) process.exitCode = 1;
  else if (unread.length > 0) process.exitCode = 2;
}

/** Before anything is read: a path that was mistyped must not look like one that is clean. */
function requireThere(paths: readonly string[]): void {
  const missing = missingPaths(paths);
  if (missing.length === 0) return;
  for (const path of missing) keyId(path);
  throw new UsageError(`no such file or folder: ${missing.join(", ")}`);
}

/** Without a server or a store there is a configuration only where somebody has written one. */
async function prefixOf({ prefix, server, config }: ScanOptions): Promise<string> {
  if (prefix !== undefined) {
    if (/^[a-z0-9]{2,16}$/.test(prefix)) return prefix;
    throw new UsageError("--prefix is 2 to 16 lower-case letters or digits");
  }
  if (server !== undefined) return "cs";
  const { policyConfig } = await import("../administration/command-config.ts");
  return policyConfig(config).auth.api_keys.prefix;
}

const tellEveryMs = 5000;

function progress(): (files: number, bytes: number) => void {
  let told = Date.now();
  return (files, bytes) => {
    if (Date.now() - told < tellEveryMs) return;
    told = Date.now();
    note(`${plural(files, "file")}, ${Math.round(bytes / 1e6)} MB`);
  };
}

type Verdicts = ReadonlyMap<string, LeakedApiKey>;

/** How many keys one call has. */
const portion = 50;

/** Asks about each key once, by the key itself: a text that only looks like it must not revoke it. */
async function report(leaks: readonly Leak[], options: ScanOptions): Promise<Verdicts> {
  const first = new Map(leaks.map((leak) => [leak.key, leak] as const).reverse());
  const found = [...first.values()];
  const administration = await openTarget(options);
  const verdicts = new Map<string, LeakedApiKey>();
  try {
    for (const reason of new Set(found.map((leak) => reasonOf(leak, options)))) {
      const some = found.filter((leak) => reasonOf(leak, options) === reason);
      for (let start = 0; start < some.length; start += portion) {
        const keys = some.slice(start, start + portion).map(({ key }) => key);
        const answer = await administration.call(reportLeakedApiKeys, { keys, revoke: true, reason });
        for (const [index, key] of keys.entries()) {
          const verdict = answer.keys[index];
          if (verdict !== undefined) verdicts.set(key, verdict);
        }
      }
    }
  } finally {
    await administration.close();
  }
  return verdicts;
}

function reasonOf({ file, line }: Leak, { reason }: ScanOptions): string {
  return reason ?? `found in ${file.slice(-400)}:${line}`;
}

function whatBecame(leak: Leak, verdicts: Verdicts | undefined): string {
  if (verdicts === undefined) return "";
  const { verdict, revoked } = verdicts.get(leak.key) ?? { verdict: "unknown", revoked: false };
  if (revoked) return "revoked";
  return verdict === "real" ? "not revoked: you may not" : "not a key of this server";
}

function tell({ leaks, unread, files, bytes }: ScanResult, verdicts: Verdicts | undefined): void {
  for (const leak of leaks) {
    const became = whatBecame(leak, verdicts);
    print(
      `${oneLine(leak.file)}:${leak.line}  ${leak.environment}  ${leak.id}${became === "" ? "" : `  ${became}`}\n`,
    );
  }
  for (const { file, problem } of unread) note(`${oneLine(file)}: not looked at (${problem})`);
  const keys = new Set(leaks.map(({ key }) => key)).size;
  const found = `${plural(keys, "key")} in ${plural(leaks.length, "place")}`;
  note(`${found}; ${plural(files, "file")}, ${Math.round(bytes / 1e5) / 10} MB`);
}

function toJson({ leaks, unread, files, bytes }: ScanResult, verdicts: Verdicts | undefined): unknown {
  return {
    found: leaks.map((leak) => ({
      ...{
        file: leak.file,
        line: leak.line,
        offset: leak.offset,
        id: leak.id,
        environment: leak.environment,
      },
      ...(verdicts !== undefined && { outcome: whatBecame(leak, verdicts) }),
    })),
    not_read: unread,
    files,
    bytes,
  };
}
