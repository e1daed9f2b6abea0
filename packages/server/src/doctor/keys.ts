import { type ApiKeyTraces, type HygieneRules, type KeyFindingKind, keyFindings } from "countersign/store";
import { type Check, ok, warn } from "./check.ts";

/** How many keys there is something to say about, by what it is. */
export type KeyFindings = Readonly<Partial<Record<KeyFindingKind, number>>>;

const words: Readonly<Record<KeyFindingKind, string>> = {
  unused: "unused",
  no_expiry: "without an end",
  expired: "expired and still there",
  many_addresses: "used from many networks",
  used_in_grace: "still used after their rotation",
  unused_scopes: "with scopes that they never needed",
};

/** Are the API keys in order? */
export function checkKeys(findings: KeyFindings): Check {
  const name = "API keys";
  const found = Object.entries(findings) as readonly (readonly [KeyFindingKind, number])[];
  if (found.length === 0) return ok(name, "nothing to tidy up");
  const detail = found.map(([kind, count]) => `${count} ${words[kind]}`).join(", ");
  return warn(name, detail, "countersign keys hygiene names them");
}

type Row = Readonly<Record<string, unknown>>;
type Query = (sql: string) => readonly Row[];

/** Reads the keys of a SQLite database that is not to be changed. */
export function storedKeyFindings(query: Query, rules: HygieneRules, now = new Date()): KeyFindings {
  const traces = tracesOf(query, now.getTime() - rules.unusedDays * 86_400_000);
  const counts: Partial<Record<KeyFindingKind, number>> = {};
  for (const row of query("select * from api_keys where revoked_at is null")) {
    const trace = traces.get(String(row["id"])) ?? { networks: 0, usedScopes: [] };
    for (const { kind } of keyFindings(keyOf(row), trace, { rules, now }))
      counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function tracesOf(query: Query, since: number): ReadonlyMap<string, ApiKeyTraces> {
  const traces = new Map<string, { networks: number; usedScopes: string[] }>();
  const traceOf = (row: Row): { networks: number; usedScopes: string[] } => {
    const id = String(row["key_id"]);
    const known = traces.get(id) ?? { networks: 0, usedScopes: [] };
    traces.set(id, known);
    return known;
  };
  const recent = `select key_id, count(*) as networks from api_key_networks where last_used_at >= ${since} group by key_id`;
  for (const row of query(recent)) traceOf(row).networks = Number(row["networks"]);
  for (const row of query("select key_id, scope from api_key_scopes"))
    traceOf(row).usedScopes.push(String(row["scope"]));
  return traces;
}

function keyOf(row: Row) {
  const at = (name: string): Date | undefined =>
    row[name] === null ? undefined : new Date(Number(row[name]));
  return {
    scopes: JSON.parse(String(row["scopes"])) as string[],
    totalRequests: Number(row["total_requests"]),
    createdAt: new Date(Number(row["created_at"])),
    expiresAt: at("expires_at"),
    disabledAt: at("disabled_at"),
    revokedAt: at("revoked_at"),
    graceEndsAt: at("grace_ends_at"),
    rotatedAt: at("rotated_at"),
    lastUsedAt: at("last_used_at"),
  };
}
