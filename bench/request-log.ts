// npm run bench:request-log: fills request logs, and measures how long a page and statistics take; with -- --writer what a call costs more
// where it is written down.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { RequestFilter, RequestLog, RequestPosition, RequestRecord } from "countersign/store";
import { openPostgresRequestLog, openPostgresStore } from "countersign/store/postgres";
import { openSqliteRequestLog } from "countersign/store/sqlite";
import { startPostgres } from "../tools/postgres-server.ts";
import { quantile } from "./measure.ts";
import { writerCost, writerText } from "./writer.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    only: { type: "string", default: "sqlite,postgres" },
    days: { type: "string", default: "10" },
    writer: { type: "boolean", default: false },
    rounds: { type: "string", default: "12" },
    seconds: { type: "string", default: "2" },
  },
});
const total = Number(values.rows);
const spanMs = Number(values.days) * 86_400_000;
const began = Date.now() - spanMs;
const batch = 5000;

/** The same row for the same number, on every database: 10,000 users, few of whom call often. */
function row(n: number): RequestRecord {
  const random = (salt: number): number => {
    const x = Math.sin(n * 12.9898 + salt * 78.233) * 43_758.5453;
    return x - Math.floor(x);
  };
  const user = Math.floor(10_000 * random(1) ** 3);
  const refused = random(2) < 0.03;
  const failed = !refused && random(3) < 0.02;
  const rare = n === Math.floor(total / 50);
  return {
    requestId: `0195${n.toString(16).padStart(8, "0")}-7000-8000-0000-000000000000`,
    at: began + Math.floor((n / total) * spanMs),
    durationMs: Math.exp(random(4) * 6 - 2),
    procedure: `/shop.v1.Service${Math.floor(random(5) * 5)}/Method${Math.floor(random(6) * 10)}`,
    protocol: random(7) < 0.8 ? "grpc" : "connect",
    code: refused ? 16 : failed ? 5 : 0,
    reason: rare ? "API_KEY_REVOKED" : refused ? "TOKEN_EXPIRED" : undefined,
    userId: refused ? undefined : String(user),
    apiKeyId: random(8) < 0.4 ? `key${user}` : undefined,
    authenticator: random(8) < 0.4 ? "api_key" : "jwt",
    peer: `192.0.2.${Math.floor(random(9) * 250)}:${40_000 + Math.floor(random(10) * 20_000)}`,
    userAgent: rare ? "one-of-a-kind/1.0" : `grpc-node-js/1.14.${Math.floor(random(11) * 8)}`,
    received: 1,
    sent: 1,
    rule: "authenticated",
    missing: undefined,
    tenantId: undefined,
  };
}

const from = (days: number): number => began + spanMs - days * 86_400_000;
const searches: Readonly<Record<string, RequestFilter>> = {
  "the newest": {},
  errors: { status: "error" },
  "a frequent user": { userId: "1" },
  "a rare user": { userId: "9999" },
  "a key's errors": { apiKeyId: "key3", status: "error" },
  "a user's calls of a method": { userId: "2", procedure: "/shop.v1.Service1/Method3" },
  "a method, by Connect": { procedure: "/shop.v1.Service1/Method3", protocol: "connect" },
  "a method in a day of last week": {
    procedure: "/shop.v1.Service1/Method3",
    since: from(6),
    until: from(5),
  },
  "a reason that occurs": { reason: "TOKEN_EXPIRED" },
  "a reason of one row": { reason: "API_KEY_REVOKED" },
  "a code in an hour": { codes: [5], since: from(3), until: from(3) + 3_600_000 },
  "text that is everywhere": { text: "GRPC-node" },
  "text of one row": { text: "one-of-a-kind" },
  "text that is nowhere": { text: "nowhere" },
  "everything at once": { userId: "2", status: "success", protocol: "grpc", text: "method3", since: from(9) },
  "a request id": { requestId: row(1234).requestId },
  "a request id that is not there": { requestId: "nowhere-at-all" },
};

async function fill(log: RequestLog): Promise<number> {
  const start = performance.now();
  for (let n = 0; n < total; n += batch)
    await log.append(Array.from({ length: Math.min(batch, total - n) }, (_, i) => row(n + i)));
  return (performance.now() - start) / 1000;
}

/** Milliseconds of one page of 50, and how many pages it takes until there are 50 rows or no more. */
async function measure(log: RequestLog, filter: RequestFilter): Promise<string> {
  const times: number[] = [];
  let pages = 0;
  let rows = 0;
  for (let round = 0; round < 20; round += 1) {
    let after: RequestPosition | undefined;
    [pages, rows] = [0, 0];
    do {
      const start = performance.now();
      const page = await log.list({ filter, limit: 50, after });
      times.push(performance.now() - start);
      after = page.next;
      rows += page.rows.length;
      pages += 1;
    } while (after !== undefined && rows < 50 && pages < 200);
  }
  const [p50, max] = [quantile(times, 0.5), Math.max(...times)];
  return `page p50 ${p50.toFixed(1).padStart(6)} ms, longest ${max.toFixed(1).padStart(6)} ms; ${rows} rows in ${pages} pages`;
}

async function report(name: string, log: RequestLog, size: () => Promise<number>): Promise<void> {
  const seconds = await fill(log);
  const megabytes = (await size()) / 1e6;
  process.stdout.write(
    `\n${name}: ${total} rows in ${seconds.toFixed(1)} s (${Math.round(total / seconds)} a second), ${megabytes.toFixed(0)} MB\n`,
  );
  for (const [title, filter] of Object.entries(searches))
    process.stdout.write(`  ${title.padEnd(32)} ${await measure(log, filter)}\n`);
  for (const days of [1, Number(values.days)]) {
    const start = performance.now();
    const { calls } = await log.statistics({ since: from(days), until: from(0), top: 10 });
    process.stdout.write(
      `  statistics of ${days} days: ${(performance.now() - start).toFixed(0)} ms, ${calls} calls\n`,
    );
  }
}

if (values.writer) {
  const result = await writerCost(Number(values.rounds), Number(values.seconds));
  process.stdout.write(`${writerText(result).join("\n")}\n`);
} else await fillAndMeasure();

async function fillAndMeasure(): Promise<void> {
  if (values.only.includes("sqlite")) await onSqlite();
  if (values.only.includes("postgres")) await onPostgres();
}

async function onSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  const path = join(folder, "requests.db");
  const log = await openSqliteRequestLog({ path });
  try {
    await report("SQLite", log, async () => statSync(path).size);
  } finally {
    await log.close();
    rmSync(folder, { recursive: true });
  }
}
async function onPostgres(): Promise<void> {
  const server = await startPostgres({ durable: true });
  try {
    const name = await server.createDatabase();
    const database = server.local(name);
    await (await openPostgresStore({ database })).close();
    const log = openPostgresRequestLog({ database });
    const size = async (): Promise<number> =>
      Number((await server.query("select pg_database_size(current_database()) as size", name))[0]?.["size"]);
    await report("PostgreSQL", log, size);
    await log.close();
  } finally {
    await server.stop();
  }
}
