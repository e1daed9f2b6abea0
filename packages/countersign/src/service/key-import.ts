import { createHash } from "node:crypto";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import { CallError, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import type { ImportApiKeysRequest, ImportedApiKey } from "../gen/auth/v1/api_keys_pb.ts";
import {
  type ForeignHash,
  foreignHashProblem,
  longestPrefix,
  readForeignHash,
  shortestPrefix,
} from "../keys/foreign-hash.ts";
import { apiKeyPrefix, generateApiKey } from "../keys/key-format.ts";
import { Conflict, type UserRecord } from "../store/contracts.ts";
import { keptName } from "../store/fold-case.ts";
import type { NewKeyImport } from "../store/key-import-contracts.ts";
import type { KeyDesk } from "./key-desk.ts";
import { requireOwnLifetime, requireOwnLimits } from "./key-rank.ts";
import { fieldViolations, limitsOf, requireNone } from "./key-request.ts";
import { requireRank } from "./rank.ts";
import { visibleTo } from "./tenancy.ts";

const mostKeys = 500;
const longestSecret = 1024;

interface Outcome {
  readonly outcome: "imported" | "known" | "refused";
  readonly id?: string;
  readonly problem?: string;
  readonly userId?: bigint;
  readonly sameHash?: string;
}

/** Takes over keys, each by itself: a line that is wrong is told and passed over. */
export async function importKeys(desk: KeyDesk, request: ImportApiKeysRequest, context: CallContext) {
  const { keys, dryRun, hmacSecret } = request;
  if (keys.length === 0 || keys.length > mostKeys)
    throw invalidArgument({ field: "keys", description: `1 to ${mostKeys}` });
  await desk.options.caughtUp();
  const secretId = await keepSecret(desk, hmacSecret, dryRun);
  const earlier = { names: new Set<string>(), hashes: new Set<string>(), prefixes: new Set<string>() };
  const results: Outcome[] = [];
  for (const line of keys) {
    try {
      results.push(await importOne(desk, line, { context, secretId, dryRun, earlier }));
    } catch (error) {
      results.push({ outcome: "refused", problem: problemOf(error) });
    }
  }
  await desk.options.caughtUp();
  return { results };
}

interface ImportParts {
  readonly context: CallContext;
  readonly secretId: string | undefined;
  readonly dryRun: boolean;
  readonly earlier: Earlier;
}

/** What the lines before would have added: a dry run adds nothing that could be found there. */
interface Earlier {
  readonly names: Set<string>;
  readonly hashes: Set<string>;
  readonly prefixes: Set<string>;
}

async function importOne(
  desk: KeyDesk,
  line: ImportedApiKey,
  { context, secretId, dryRun, earlier }: ImportParts,
): Promise<Outcome> {
  const { digests, store } = desk.options;
  const hash = readForeignHash(line.algorithm, line.hash);
  if (hash === undefined) {
    const { violations } = await lookAt(desk, line, context);
    throw invalidArgument(foreignHashProblem(line.algorithm, line.hash), ...violations);
  }
  const fingerprints = digests
    .digests(`import ${hash.algorithm} ${canonical(hash)}`)
    .map(({ digest }) => digest);
  const [known = ""] = (await store.keyImports.known(fingerprints)).values();
  if (visibleTo(context.requireUser(), await store.apiKeys.load(known)) !== undefined)
    return { outcome: "known", id: known };
  const sameHash = dryRun ? seenAs(hash) : "";
  if (earlier.hashes.has(sameHash)) return { outcome: "known" };
  const imported = await prepare(desk, line, { hash, context, secretId });
  const [fingerprint = new Uint8Array()] = fingerprints;
  if (dryRun) {
    await requireNew(desk, { ...imported, fingerprint }, earlier);
    earlier.hashes.add(sameHash);
    return { outcome: "imported", userId: BigInt(imported.key.userId), sameHash };
  }
  const record = await store.keyImports.add({ ...imported, fingerprint });
  return { outcome: "imported", id: record.id };
}

/** Everything that `createApiKey()` looks at, too. */
async function prepare(
  desk: KeyDesk,
  line: ImportedApiKey,
  parts: { readonly hash: ForeignHash; readonly context: CallContext; readonly secretId: string | undefined },
): Promise<Omit<NewKeyImport, "fingerprint">> {
  const { environment, format, roles } = desk.options;
  const { hash, context, secretId } = parts;
  const caller = context.requireUser();
  const { owner, violations } = await lookAt(desk, line, context);
  violations.push(...prefixViolations(hash, line.prefix, apiKeyPrefix(format ?? {})));
  if (hash.algorithm === "hmac-sha256" && secretId === undefined)
    violations.push({ field: "hmac_secret", description: "needed for hmac-sha256" });
  requireNone(violations);
  if (owner === undefined) throw new TypeError("a missing owner is a violation");
  if (owner.id !== caller.userId) requireRank(caller, owner, roles);
  const limits = limitsOf({ ...line, addressRanges: [], methods: [], limits: [] });
  const rank = await desk.rankOf(caller);
  requireOwnLimits(limits, rank);
  requireOwnLifetime(rank.own, line.expiresAt);
  // Its id is made as ours are; nobody can present it with a secret, since none was made.
  const { id } = generateApiKey(environment, format);
  const quick = hash.kind === "quick";
  return {
    key: {
      ...limits,
      ...desk.options.digests.digest(""),
      id,
      prefix: line.prefix,
      name: keptName(line.name),
      description: line.description,
      type: line.type === "" ? "service" : line.type,
      userId: owner.id,
      tags: [...new Set(line.tags)],
      expiresAt: line.expiresAt && timestampDate(line.expiresAt),
      madeBy: rank.own?.id,
      createdBy: caller.userId,
    },
    algorithm: hash.algorithm,
    ...(quick ? { lookup: hash.digest } : { hash: hash.text, prefix: line.prefix }),
    ...(hash.algorithm === "hmac-sha256" && { secretId }),
  };
}

/** Whose the key would be, and what is wrong with a line whatever its hash is. */
async function lookAt(
  desk: KeyDesk,
  line: ImportedApiKey,
  context: CallContext,
): Promise<{ readonly owner: UserRecord | undefined; readonly violations: FieldViolation[] }> {
  const violations = fieldViolations(line, desk.now());
  const owner = visibleTo(context.requireUser(), await ownerOf(desk, line));
  if (owner === undefined) violations.push({ field: "owner", description: "no such user" });
  return { owner, violations };
}

/** Tells nothing that whoever has the hash does not know: no pepper is in it. */
function seenAs(hash: ForeignHash): string {
  return createHash("sha256")
    .update(`${hash.algorithm} ${canonical(hash)}`)
    .digest("hex");
}

/** Two spellings of one digest are one. */
function canonical(hash: ForeignHash): string {
  return hash.kind === "quick" ? Buffer.from(hash.digest).toString("hex") : hash.text;
}

function prefixViolations({ kind }: ForeignHash, prefix: string, ours: string): FieldViolation[] {
  if (prefix.startsWith(ours))
    return [
      { field: "prefix", description: `a key that begins ${ours} has to be one of ours, and is refused` },
    ];
  if (kind === "quick" && prefix === "") return [];
  const fits =
    prefix.length >= shortestPrefix &&
    prefix.length <= longestPrefix &&
    /^[\x21-\x2b\x2d-\x7e]+$/.test(prefix);
  if (fits) return [];
  const why = kind === "quick" ? "" : ", which its slow hash is looked up by";
  return [
    {
      field: "prefix",
      description: `the first ${shortestPrefix} to ${longestPrefix} characters of the key${why}`,
    },
  ];
}

async function ownerOf(
  { options: { store } }: KeyDesk,
  { username, userId }: ImportedApiKey,
): Promise<UserRecord | undefined> {
  return username === "" ? store.users.load(String(userId)) : store.users.findByUsername(username);
}

/** What the store looks at when it adds one. */
async function requireNew(
  desk: KeyDesk,
  imported: NewKeyImport,
  { names, prefixes }: Earlier,
): Promise<void> {
  const { prefix } = imported;
  await desk.options.store.keyImports.requireNew(imported);
  if (prefix !== undefined && [...prefixes].some((one) => one.startsWith(prefix) || prefix.startsWith(one)))
    throw wrong("prefix", "another imported key begins like this, or this begins like another one");
  await requireFreeName(desk, imported, names);
  if (prefix !== undefined) prefixes.add(prefix);
}

async function requireFreeName(
  desk: KeyDesk,
  { key: { userId, name } }: Pick<NewKeyImport, "key">,
  names: Set<string>,
): Promise<void> {
  const keys = await desk.options.store.apiKeys.list({ limit: 1000, userId, text: name, now: desk.now() });
  const isTaken = keys.some(
    (one) => one.name === name && one.revokedAt === undefined && one.replacedBy === undefined,
  );
  if (isTaken || names.has(`${userId} ${name}`))
    throw wrong("name", "another key of this user has this name");
  names.add(`${userId} ${name}`);
}

/** Stored once, under an id that tells nothing of it. */
async function keepSecret(desk: KeyDesk, secret: Uint8Array, dryRun: boolean): Promise<string | undefined> {
  if (secret.length === 0) return undefined;
  if (secret.length > longestSecret)
    throw invalidArgument({ field: "hmac_secret", description: `at most ${longestSecret} bytes` });
  const { sealSecret, digests, store } = desk.options;
  if (sealSecret === undefined)
    throw new CallError("FAILED_PRECONDITION", "No master key: HMAC secrets cannot be kept");
  const { digest } = digests.digest(`import secret ${Buffer.from(secret).toString("hex")}`);
  const id = Buffer.from(digest).toString("hex").slice(0, 24);
  if (!dryRun) await store.keyImports.addSecret(id, sealSecret(secret));
  return id;
}

function wrong(field: string, description: string): CallError {
  return invalidArgument({ field, description });
}

/** What was foreseen, in words; anything else ends the call. */
function problemOf(error: unknown): string {
  if (error instanceof Conflict) return `${error.field}: ${error.message}`;
  if (error instanceof Refusal) return error.denial.message;
  if (error instanceof CallError && error.status === "INVALID_ARGUMENT") return error.message;
  throw error;
}
