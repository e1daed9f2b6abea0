import { readFileSync } from "node:fs";
import { extname } from "node:path";
import type { MessageShape } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { ApiKeyService } from "countersign/descriptors";
import type { Administration } from "../administration/administration.ts";
import { type ImportFormat, type ImportLine, readImportFile } from "../keys/import-file.ts";
import { importText } from "../keys/import-text.ts";
import { CommandFailure, UsageError } from "../terminal/failure.ts";
import { note, print, printJson, printMessage } from "../terminal/output.ts";
import { readSecretFile } from "../terminal/read-secret.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { importApiKeys, getApiKeyImport } = ApiKeyService.method;

interface ImportOptions extends TargetOptions {
  readonly dryRun?: boolean | undefined;
  readonly format?: ImportFormat | undefined;
  readonly hmacSecretFile?: string | undefined;
}

/** `countersign keys import` and `import-status` */
export function addKeyImportCommands(keys: Command): void {
  addTargetCommand(keys, {
    usage: "import <file>",
    description: "take over keys that were made elsewhere, by the hashes that are kept of them there",
    more: [
      "CSV with a line of titles, or JSON with an object a line: hash, name and owner (a username, or id:7), and where they are",
      "needed algorithm (sha256, sha512, hmac-sha256, bcrypt, argon2), prefix, type, description, expires_at, scopes, roles, tags.",
      "bcrypt and Argon2 need a prefix: the first 4 to 32 characters of the key. The same file again changes nothing.",
    ].join("\n"),
    examples: ["keys import keys.csv --dry-run", "keys import keys.ndjson --hmac-secret-file ./old-secret"],
  })
    .option("--dry-run", "say what would be done, and do nothing")
    .addOption(new Option("--format <format>", "default: by the name of the file").choices(["csv", "ndjson"]))
    .option("--hmac-secret-file <file>", "what keys with hmac-sha256 were hashed with")
    .action((file: string, options: ImportOptions) =>
      administer(options, (administration) => importFile(administration, file, options), {
        createSecrets: true,
      }),
    );
  addTargetCommand(keys, {
    usage: "import-status",
    description: "how many imported keys have been used since",
    examples: ["keys import-status"],
  }).action((options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(getApiKeyImport, {});
      if (options.output === "json") return printMessage(getApiKeyImport.output, answer);
      print(`${answer.seen} of ${answer.imported} seen\n`);
    }),
  );
}

type Answer = MessageShape<typeof importApiKeys.output>["results"][number];

interface Result {
  readonly line: number;
  readonly outcome: string;
  readonly id?: string;
  readonly problem?: string;
}

async function importFile(
  administration: Administration,
  file: string,
  options: ImportOptions,
): Promise<void> {
  const { dryRun = false, hmacSecretFile, output } = options;
  const lines = readImportFile(readText(file), options.format ?? formatOf(file));
  if (lines.length === 0) throw new CommandFailure("INVALID_ARGUMENT", `${file} has no keys in it`);
  const hmacSecret =
    hmacSecretFile === undefined ? new Uint8Array() : Buffer.from(readSecretFile(hmacSecretFile));
  const results = await importLines(administration, lines, { dryRun, hmacSecret });
  const count = (outcome: string): number => results.filter((result) => result.outcome === outcome).length;
  const counts = { imported: count("imported"), known: count("known"), refused: count("refused") };
  if (output === "json") printJson({ dry_run: dryRun, ...counts, lines: results });
  else {
    for (const { line, problem } of results) if (problem !== undefined) note(`line ${line}: ${problem}`);
    const [would, were] = dryRun ? ["would be imported", "nothing was done"] : ["imported", "done"];
    print(`${counts.imported} ${would}, ${counts.known} known already, ${counts.refused} refused; ${were}\n`);
  }
  if (counts.refused > 0) process.exitCode = 1;
}

/** How many lines one call has: what bcrypt and Argon2 need is no matter here, since nothing is hashed. */
const portion = 200;
const tellEveryMs = 5000;

async function importLines(
  administration: Administration,
  lines: readonly ImportLine[],
  { dryRun, hmacSecret }: { readonly dryRun: boolean; readonly hmacSecret: Uint8Array },
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const before = new Earlier();
  let told = Date.now();
  for (let start = 0; start < lines.length; start += portion) {
    const some = lines.slice(start, start + portion);
    const keys = some.flatMap(({ key }) => key ?? []);
    const answer =
      keys.length === 0
        ? { results: [] }
        : await administration.call(importApiKeys, { keys, dryRun, hmacSecret });
    const answers = answer.results[Symbol.iterator]();
    for (const { line, key, problem } of some) {
      const verdict: Answer | undefined = key === undefined ? undefined : answers.next().value;
      const { outcome = "refused", id = "", problem: found = "" } = verdict ?? {};
      const why = problem ?? found;
      const result = { line, outcome, ...(id !== "" && { id }), ...(why !== "" && { problem: why }) };
      results.push(dryRun && key !== undefined ? before.seen(result, key, verdict) : result);
    }
    if (Date.now() - told < tellEveryMs) continue;
    told = Date.now();
    note(`${results.length} of ${lines.length} lines`);
  }
  return results;
}

// As the server says them of what it has.
const nameProblem = "name: another key of this user has this name";
const prefixProblem = "prefix: another imported key begins like this, or this begins like another one";

function beginningsOf(prefix: string): readonly string[] {
  return Array.from({ length: prefix.length }, (_, at) => prefix.slice(0, at + 1));
}

/** What the lines before would have added: a dry run adds nothing that a later call could find. */
class Earlier {
  readonly #names = new Set<string>();
  readonly #hashes = new Set<string>();
  readonly #prefixes = new Set<string>();
  readonly #beginnings = new Set<string>();

  /** What becomes of a line after those before it: `answer` says what its owner and hash mean. */
  seen(result: Result, key: NonNullable<ImportLine["key"]>, answer: Answer | undefined): Result {
    if (answer === undefined || result.outcome !== "imported") return result;
    const { name = "", hash = "", prefix = "" } = key;
    const named = `${answer.userId} ${name.normalize("NFC")}`;
    // Slow hashes are written $2b$…, $argon2id$…: no other is looked up by a prefix.
    const beginnings = hash.startsWith("$") ? beginningsOf(prefix) : [];
    if (this.#hashes.has(answer.sameHash)) return { line: result.line, outcome: "known" };
    if (
      (beginnings.length > 0 && this.#beginnings.has(prefix)) ||
      beginnings.some((one) => this.#prefixes.has(one))
    )
      return { ...result, outcome: "refused", problem: prefixProblem };
    if (this.#names.has(named)) return { ...result, outcome: "refused", problem: nameProblem };
    if (beginnings.length > 0) this.#prefixes.add(prefix);
    for (const one of beginnings) this.#beginnings.add(one);
    this.#names.add(named);
    this.#hashes.add(answer.sameHash);
    return result;
  }
}

function formatOf(file: string): ImportFormat {
  const format = { ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson" }[extname(file).toLowerCase()];
  if (format === "csv" || format === "ndjson") return format;
  throw new UsageError("--format is missing: csv or ndjson");
}

function readText(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    throw new UsageError(`cannot read ${file} (${code})`);
  }
  const text = importText(bytes);
  if (text.ok) return text.text;
  throw new CommandFailure("INVALID_ARGUMENT", `${file}${text.problem}`);
}
