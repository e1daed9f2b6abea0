import { type HygieneRules, readPostgresUrl, StoreUnavailable } from "countersign/store";
import { inspectPostgres, type PostgresFindings } from "countersign/store/postgres";
import { type Check, fail, ok, warn } from "./check.ts";
import type { DatabaseFindings } from "./database.ts";
import { checkKeys } from "./keys.ts";
import { checkSchema, checkSuperuser } from "./schema.ts";

/** Looks at a PostgreSQL database without changing it. */
export async function examinePostgres(url: string, rules: HygieneRules): Promise<DatabaseFindings> {
  let where = "";
  try {
    where = readPostgresUrl(url).name;
    const findings = await inspectPostgres(url, rules);
    const checks = [
      ok("database", `${where} answers: PostgreSQL ${findings.serverVersion}`),
      checkDurability(findings),
      checkLatency(findings),
      checkClocks(findings),
      ...checkContent(findings),
    ];
    return { checks, secrets: findings.secrets };
  } catch (error) {
    // What was foreseen names its remedy itself.
    if (error instanceof StoreUnavailable) return { checks: [fail("database", error.message)] };
    return { checks: [fail("database", `${where}: ${(error as Error).message}`, "look at database.url")] };
  }
}

function checkContent({ schemaVersion, superuser, keyFindings = {} }: PostgresFindings): readonly Check[] {
  if (schemaVersion === 0) {
    return [warn("schema", "there is none yet", "the first start of the server makes it")];
  }
  const schema = checkSchema(schemaVersion);
  return schema.status === "ok" ? [schema, checkSuperuser(superuser), checkKeys(keyFindings)] : [schema];
}

function checkDurability({ durable }: PostgresFindings): Check {
  const name = "durability";
  if (durable) return ok(name, "the server writes to its disk before it acknowledges");
  return fail(
    name,
    "the server runs with fsync off: a power cut loses what was acknowledged",
    "set fsync = on",
  );
}

/** Every decision on a credential that was not seen before waits for it. */
const slowMs = 20;

function checkLatency({ latencyMs }: PostgresFindings): Check {
  const detail = `${latencyMs.toFixed(1)} ms from question to answer`;
  if (latencyMs < slowMs) return ok("latency", detail);
  return warn("latency", detail, "put the database and the server closer together");
}

/** Further apart, grace periods and expiries mean different things on different machines. */
const apartMs = 2000;

function checkClocks({ clockAheadMs }: PostgresFindings): Check {
  const name = "clocks";
  const detail = `the database's is ${Math.abs(clockAheadMs)} ms ${clockAheadMs < 0 ? "behind" : "ahead"}`;
  if (Math.abs(clockAheadMs) < apartMs) return ok(name, detail);
  return warn(name, detail, "keep both right with NTP");
}
