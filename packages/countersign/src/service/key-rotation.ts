import { type Duration, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import type { EndApiKeyGraceRequest, RotateApiKeyRequest } from "../gen/auth/v1/api_keys_pb.ts";
import type { ApiKeyRecord } from "../store/api-key-contracts.ts";
import type { KeyDesk } from "./key-desk.ts";
import { requireOwnLifetime } from "./key-rank.ts";
import { fieldViolations, namesChecked, requireNone } from "./key-request.ts";
import { found } from "./page.ts";

const defaultGraceMs = 24 * 3_600_000;
const longestGraceMs = 90 * 24 * 3_600_000;

/** Puts a new key in the place of one. Its secret is a new one, so that whoever may not make such a key may not rotate it. */
export async function rotateKey(desk: KeyDesk, request: RotateApiKeyRequest, context: CallContext) {
  const { store, caughtUp } = desk.options;
  const caller = context.requireUser();
  const key = await desk.command(request.id, caller);
  const now = desk.now();
  requireNone(fieldViolations({ expiresAt: request.expiresAt }, now));
  const graceMs = graceOf(request.grace);
  const rank = await desk.rankOf(caller);
  const expiresAt = expiryOf(request.expiresAt, key, { now, own: rank.own });
  requireOwnLifetime(rank.own, expiresAt);
  const { made, answer } = desk.issue(request.link);
  const rotated = await namesChecked(
    store.apiKeys.rotate(key.id, {
      ...made,
      expiresAt,
      graceEndsAt: new Date(now.getTime() + graceMs),
      by: caller.userId,
      // What a leaked key makes is found with it.
      madeBy: rank.own?.id ?? key.madeBy,
    }),
  );
  const { created, previous } = found(rotated, "API key");
  await caughtUp();
  return { apiKey: await desk.show(created), previous: await desk.show(previous), ...answer };
}

/** Refuses the old key from now on. */
export async function endGrace(desk: KeyDesk, { id }: EndApiKeyGraceRequest, context: CallContext) {
  const { store, caughtUp } = desk.options;
  const caller = context.requireUser();
  const named = await desk.reach(id, caller, "auth.keys:write");
  const old = named.replacedBy === undefined && named.replaces !== undefined ? named.replaces : named.id;
  const key = await desk.command(old, caller);
  if (key.replacedBy === undefined)
    throw new CallError(
      "FAILED_PRECONDITION",
      "No other key has taken its place: revoke it, or rotate it first",
    );
  const ended = await store.apiKeys.revoke(key.id, { reason: "rotated", by: caller.userId });
  await caughtUp();
  return { apiKey: await desk.show(found(ended, "API key")) };
}

function graceOf(grace: Duration | undefined): number {
  if (grace === undefined) return defaultGraceMs;
  const ms = Number(grace.seconds) * 1000 + Math.floor(grace.nanos / 1_000_000);
  if (ms >= 0 && ms <= longestGraceMs) return ms;
  throw invalidArgument({ field: "grace", description: "from 0s to 90 days" });
}

/** As long as the old one had been made for; for a key that makes it, never longer than that lives. */
function expiryOf(
  wanted: Timestamp | undefined,
  { expiresAt, createdAt }: ApiKeyRecord,
  { now, own }: { readonly now: Date; readonly own: ApiKeyRecord | undefined },
): Date | undefined {
  if (wanted !== undefined) return timestampDate(wanted);
  const lifetime =
    expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt.getTime() - createdAt.getTime();
  const end = (own?.graceEndsAt ?? own?.expiresAt)?.getTime() ?? Number.POSITIVE_INFINITY;
  const at = Math.min(now.getTime() + lifetime, end);
  return Number.isFinite(at) ? new Date(at) : undefined;
}
