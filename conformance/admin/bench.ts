// npm run bench:admin: fills a database with keys and a request log with rows, and measures in a browser how long the list pages of the
// admin UI take until their first rows, or that there are none, are there and the page answers.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type { RequestRecord } from "countersign/store";
import { openSqliteRequestLog } from "countersign/store/sqlite";
import type { Page, Request } from "playwright-core";
import { ids } from "../cast.ts";
import { AdminStage } from "./admin-stage.ts";
import { enter } from "./browser.ts";

const { values } = parseArgs({
  options: { keys: { type: "string", default: "100000" }, rows: { type: "string", default: "1000000" } },
});

/** Copies of one key: as many rows, in the same indexes, as if each had been made. */
function fillKeys(path: string, count: number): void {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  const columns = database.prepare("select name from pragma_table_info('api_keys')").all();
  const own: Readonly<Record<string, string>> = {
    id: "'bench' || n",
    name: "'Service ' || n",
    created_at: "created_at - n * 1000",
    total_requests: "n % 977",
  };
  const names = columns.map(({ name }) => String(name));
  const chosen = names.map((name) => own[name] ?? name);
  database.exec(
    `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${count})
     insert into api_keys (${names.join()}) select ${chosen.join()} from numbers, (select * from api_keys limit 1)`,
  );
  database.close();
}

async function fillLog(path: string, count: number): Promise<void> {
  const log = await openSqliteRequestLog({ path });
  const began = Date.now() - 10 * 86_400_000;
  const row = (n: number): RequestRecord => ({
    requestId: `bench-${n}`,
    at: began + Math.floor((n / count) * 10 * 86_400_000),
    durationMs: 1 + (n % 50),
    procedure: `/shop.v1.Service${n % 5}/Method${n % 11}`,
    protocol: "grpc",
    code: n % 37 === 0 ? 16 : 0,
    reason: n % 37 === 0 ? "TOKEN_EXPIRED" : undefined,
    userId: n % 37 === 0 ? undefined : ids.alice,
    apiKeyId: n % 3 === 0 ? `bench${(n % 5000) + 1}` : undefined,
    authenticator: n % 3 === 0 ? "api_key" : "jwt",
    peer: `192.0.2.${n % 250}:50000`,
    userAgent: "grpc-node-js/1.14.0",
    received: 1,
    sent: 1,
    rule: "authenticated",
    missing: undefined,
    tenantId: undefined,
  });
  for (let at = 0; at < count; at += 5000)
    await log.append(Array.from({ length: Math.min(5000, count - at) }, (_, n) => row(at + n)));
  await log.close();
}

/** Milliseconds of the processor that a process has used. */
function processorMs(pid: number): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) * 10;
}

/** Looked for at each frame: a locator looks ever less often, and in the end twice a second. */
const shownOrNothing = `new Promise((shown, failed) => {
  setTimeout(() => failed(new Error("no rows")), 60_000);
  const nothing = () => document.querySelector("main")?.textContent?.includes("Nothing matches");
  const look = () => (document.querySelector("tbody tr") || nothing() ? shown() : requestAnimationFrame(look));
  look();
})`;

/** Milliseconds from the address to the first row, and from a keystroke to its being on the page. */
async function measure(page: Page, path: string): Promise<readonly [number, number]> {
  const began = performance.now();
  await page.goto(path);
  await page.evaluate(shownOrNothing);
  const shown = performance.now() - began;
  const typed = performance.now();
  await page.getByRole("searchbox").first().press("x");
  return [shown, performance.now() - typed];
}

/** Resident memory of a process, in MB. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** The whole log as a file: how long it takes, how large it is, and what the server and the page hold meanwhile, at most. */
async function measureExport(page: Page, pid: number): Promise<string> {
  await page.goto("/admin/logs");
  await page.locator("tbody tr").first().waitFor();
  const heap = async (): Promise<number> =>
    Number(await page.evaluate("performance.memory.usedJSHeapSize")) / 1e6;
  const [server, script] = [memoryOf(pid), await heap()];
  let [most, mostScript] = [server, script];
  const watch = setInterval(() => {
    most = Math.max(most, memoryOf(pid));
    void heap().then((now) => (mostScript = Math.max(mostScript, now)));
  }, 100);
  const began = performance.now();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export" }).click(),
  ]);
  const path = await download.path();
  clearInterval(watch);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const size = (statSync(path).size / 1e6).toFixed(0);
  return `${seconds} s, ${size} MB; the server from ${server.toFixed(0)} to ${most.toFixed(0)} MB, the page from ${script.toFixed(0)} to ${mostScript.toFixed(0)} MB`;
}

const pages: Readonly<Record<string, string>> = {
  keys: "/admin/keys",
  "active keys": "/admin/keys?status=active",
  "keys by a part of the name": "/admin/keys?q=Service%2099",
  "keys by last use": "/admin/keys?sort=-last_used_at",
  "keys by a name that is nowhere": "/admin/keys?q=nowhere",
  "keys of a type": "/admin/keys?type=service",
  logs: "/admin/logs",
  "errors in the log": "/admin/logs?status=error",
  "a reason in the log": "/admin/logs?reason=TOKEN_EXPIRED",
  "a key's log": "/admin/logs?key=bench4000",
  "text in the log": "/admin/logs?q=Method7",
  "text of one row": "/admin/logs?q=bench-777",
};

const stage = await AdminStage.open();
try {
  await stage.administrator.createKey(ids.alice, "Model");
  let began = performance.now();
  fillKeys(join(stage.server.data, "countersign.db"), Number(values.keys));
  console.log(`${values.keys} keys in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  began = performance.now();
  await fillLog(join(stage.server.data, "requests.db"), Number(values.rows));
  console.log(`${values.rows} rows in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  const { page, context } = await stage.visit();
  await enter(page, stage.account("admin"));
  for (const [name, path] of Object.entries(pages)) {
    const [before, slowest] = [processorMs(stage.server.pid), { ms: 0, name: "" }];
    const heard = (request: Request): void => {
      const ms = request.timing().responseEnd;
      if (ms > slowest.ms) Object.assign(slowest, { ms, name: request.url().split("/").at(-1) });
    };
    page.on("requestfinished", heard);
    const times = [await measure(page, path), await measure(page, path), await measure(page, path)];
    const [shown, key] = times.sort(([a], [b]) => a - b)[1] ?? [];
    page.off("requestfinished", heard);
    const spent = ((processorMs(stage.server.pid) - before) / times.length).toFixed(0);
    console.log(
      `${name.padEnd(28)} ${shown?.toFixed(0).padStart(6)} ms, a key ${key?.toFixed(0)} ms; processor of the server ${spent} ms; slowest answer ${slowest.ms.toFixed(0)} ms (${slowest.name})`,
    );
  }
  page.setDefaultTimeout(600_000);
  console.log(`export of the log             ${await measureExport(page, stage.server.pid)}`);
  await context.close();
} finally {
  await stage.close();
}
