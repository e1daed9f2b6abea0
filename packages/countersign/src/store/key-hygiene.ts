import type { ApiKeyRecord, ApiKeyStore, ApiKeyTraces } from "./api-key-contracts.ts";
import { apiKeyStatus } from "./api-key-status.ts";

/** What may be untidy about a key. */
export type KeyFindingKind =
  | "unused"
  | "no_expiry"
  | "expired"
  | "many_addresses"
  | "used_in_grace"
  | "unused_scopes";

export interface KeyFinding {
  readonly kind: KeyFindingKind;
  /** In words, for a person. */
  readonly detail: string;
  /** Of `unused_scopes`. */
  readonly scopes: readonly string[];
}

export interface HygieneRules {
  /** A key that was not used for so many days is not needed, and so is a scope. */
  readonly unusedDays: number;
  /** From so many networks, a key is shared. */
  readonly manyAddresses: number;
}

export const defaultHygiene: HygieneRules = Object.freeze({ unusedDays: 90, manyAddresses: 10 });

/** What is looked at. */
export type HygieneKey = Pick<
  ApiKeyRecord,
  | "scopes"
  | "createdAt"
  | "expiresAt"
  | "disabledAt"
  | "revokedAt"
  | "graceEndsAt"
  | "rotatedAt"
  | "lastUsedAt"
  | "totalRequests"
>;

const dayMs = 86_400_000;

/** Nothing is wrong with a revoked key: it is over, and its record stays. */
export function keyFindings(
  key: HygieneKey,
  traces: ApiKeyTraces | undefined,
  { rules, now }: { readonly rules: HygieneRules; readonly now: Date },
): readonly KeyFinding[] {
  const status = apiKeyStatus(key, now);
  if (status === "revoked") return [];
  const findings: KeyFinding[] = [];
  const find = (kind: KeyFindingKind, detail: string, scopes: readonly string[] = []): void =>
    void findings.push({ kind, detail, scopes });
  if (status === "expired") {
    find("expired", `expired on ${dayOf(key.expiresAt)} and still there: revoke it`);
    return findings;
  }
  const since = now.getTime() - rules.unusedDays * dayMs;
  const { lastUsedAt, createdAt, rotatedAt, graceEndsAt } = key;
  const isOld = createdAt.getTime() < since;
  const isUnused = isOld && (lastUsedAt?.getTime() ?? 0) < since;
  if (isUnused) {
    const last = lastUsedAt === undefined ? "never used" : `not used since ${dayOf(lastUsedAt)}`;
    find("unused", `${last}: revoke it if nobody needs it`);
  }
  if (key.expiresAt === undefined && graceEndsAt === undefined)
    find("no_expiry", "has no end: give it one, or rotate it from time to time");
  if (traces !== undefined && traces.networks >= rules.manyAddresses)
    find(
      "many_addresses",
      `used from ${traces.networks} networks: a key of its own for each program tells them apart`,
    );
  if (rotatedAt !== undefined && lastUsedAt !== undefined && lastUsedAt > rotatedAt)
    find(
      "used_in_grace",
      `still used after its rotation, until ${graceEndsAt?.toISOString() ?? ""}: somebody has not changed over`,
    );
  const idle = isOld && !isUnused ? idleScopes(key.scopes, traces) : [];
  if (idle.length > 0) find("unused_scopes", `never needed ${idle.join(" ")}: take them away`, idle);
  return findings;
}

const portion = 500;

/** How many keys there are something to say about, by what it is. */
export async function countKeyFindings(
  apiKeys: Pick<ApiKeyStore, "list" | "traces">,
  { rules, now }: { readonly rules: HygieneRules; readonly now: Date },
): Promise<Readonly<Partial<Record<KeyFindingKind, number>>>> {
  const counts: Partial<Record<KeyFindingKind, number>> = {};
  const since = new Date(now.getTime() - rules.unusedDays * dayMs);
  let after: { readonly createdAt: Date; readonly id: string } | undefined;
  for (;;) {
    const keys = await apiKeys.list({ limit: portion, after, now });
    const traces = await apiKeys.traces(
      keys.map(({ id }) => id),
      since,
    );
    for (const key of keys)
      for (const { kind } of keyFindings(key, traces.get(key.id), { rules, now }))
        counts[kind] = (counts[kind] ?? 0) + 1;
    after = keys.at(-1);
    if (keys.length < portion) return counts;
  }
}

/** Denials and flags allow nothing by themselves that could be asked for. */
function idleScopes(scopes: readonly string[], traces: ApiKeyTraces | undefined): readonly string[] {
  if (traces === undefined) return [];
  return scopes.filter(
    (scope) =>
      !scope.startsWith("!") &&
      scope !== "staff" &&
      scope !== "superuser" &&
      !traces.usedScopes.includes(scope),
  );
}

function dayOf(date: Date | undefined): string {
  return date?.toISOString().slice(0, 10) ?? "";
}
