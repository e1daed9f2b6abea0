import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Store } from "countersign/store";
import { type Snapshot, writeBackup } from "countersign/store/backup";
import { openPostgresStore, snapshotPostgres } from "countersign/store/postgres";
import { openSqliteStore, snapshotSqlite } from "countersign/store/sqlite";
import { startPostgres } from "../tools/postgres-server.ts";
import { fillPostgres, fillSqlite } from "./scaling-fill.ts";
import { type NodesCosts, nodesCosts } from "./scaling-nodes.ts";
import { type StoreCosts, storeCosts } from "./scaling-store.ts";

const usage = `npm run bench:scaling [-- OPTIONS]

  --sizes 1000,100000,1000000   numbers of keys (default); the last takes a few minutes
  --stores sqlite,postgres      (default: both)
  --nodes 1,2,3                 on one PostgreSQL with the first size (default)
  --json                        the figures as JSON
`;

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,100000,1000000" },
    stores: { type: "string", default: "sqlite,postgres" },
    nodes: { type: "string", default: "1,2,3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** One store at one size. */
interface Costs extends StoreCosts {
  readonly store: string;
  readonly keys: number;
  readonly fillSeconds: number;
  /** From the command to the line that says it serves. */
  readonly startSeconds: number;
  /** Of a node that has just started, in MB. */
  readonly memory: number;
  readonly backupSeconds: number;
  readonly backupMegabytes: number;
}

const folder = mkdtempSync(join(tmpdir(), "countersign-scaling-"));
const launcher = fileURLToPath(new URL("../packages/server/test/launcher.ts", import.meta.url));
const secrets = Object.fromEntries(
  ["JWT_SECRET", "API_KEY_PEPPER", "MASTER_KEY"].map((name) => [
    `COUNTERSIGN_${name}`,
    randomBytes(32).toString("base64"),
  ]),
);

interface Filled {
  readonly open: () => Promise<Store>;
  readonly snapshot: () => Snapshot | Promise<Snapshot>;
  readonly env: Readonly<Record<string, string>>;
}

async function costsOf(store: string, keys: number, fill: () => Promise<Filled>): Promise<Costs> {
  process.stderr.write(`${store}, ${keys.toLocaleString("en")} keys …\n`);
  const began = performance.now();
  const { open, snapshot, env } = await fill();
  const fillSeconds = since(began);
  const opened = await open();
  const costs = await storeCosts(opened, keys).finally(() => opened.close());
  const started = await startOf(env);
  const file = join(folder, `${store}-${keys}.backup`);
  const backingUp = performance.now();
  const taken = await snapshot();
  await writeBackup(file, taken, { createdAt: new Date() }).finally(() => taken.close());
  const backupSeconds = since(backingUp);
  const backupMegabytes = statSync(file).size / 1e6;
  const all = { store, keys, fillSeconds, ...costs, ...started, backupSeconds, backupMegabytes };
  process.stderr.write(`${JSON.stringify(all)}\n`);
  return all;
}

/** A real node on the store, from source, until it serves. The best of three starts: the first one compiles, and a busy machine fails some. */
async function startOf(
  env: Readonly<Record<string, string>>,
): Promise<Pick<Costs, "startSeconds" | "memory">> {
  const listen = {
    COUNTERSIGN_LOG_LEVEL: "silent",
    COUNTERSIGN_GRPC_LISTEN: "127.0.0.1:0",
    COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:0",
  };
  let best = { startSeconds: Number.POSITIVE_INFINITY, memory: 0 };
  for (let turn = 0; turn < 3; turn += 1) {
    const began = performance.now();
    const child = spawn(process.execPath, ["--conditions=countersign-source", launcher, "serve", "--json"], {
      cwd: folder,
      env: {
        PATH: process.env["PATH"],
        NODE_COMPILE_CACHE: join(folder, "compiled"),
        ...secrets,
        ...listen,
        ...env,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const line = await Promise.race([once(child.stdout, "data"), ended.then(() => undefined)]);
    if (line === undefined) continue;
    const startSeconds = since(began);
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
    if (startSeconds < best.startSeconds) best = { startSeconds, memory: Number(kilobytes) / 1000 };
    child.kill("SIGTERM");
    await ended;
  }
  return best;
}

async function sqlite(keys: number): Promise<Filled> {
  const data = join(folder, `sqlite-${keys}`);
  mkdirSync(data);
  const path = join(data, "countersign.db");
  const open = () => openSqliteStore({ path });
  await (await open()).close();
  fillSqlite(path, keys);
  return { open, snapshot: () => snapshotSqlite({ path }), env: { COUNTERSIGN_DATA: data } };
}

function since(began: number): number {
  return (performance.now() - began) / 1000;
}

async function main(): Promise<void> {
  const sizes = values.sizes.split(",").map(Number);
  const stores = values.stores.split(",");
  const counts = values.nodes
    .split(",")
    .filter((text) => text !== "")
    .map(Number);
  const needsServer = stores.includes("postgres") || counts.length > 0;
  const server = needsServer ? await startPostgres({ durable: true }) : undefined;
  const costs: Costs[] = [];
  const nodes: NodesCosts[] = [];
  try {
    for (const keys of stores.includes("sqlite") ? sizes : [])
      costs.push(await costsOf("SQLite", keys, () => sqlite(keys)));
    for (const keys of server !== undefined && stores.includes("postgres") ? sizes : []) {
      const fill = async (): Promise<Filled> => {
        const database = await server?.createDatabase();
        const url = server?.url(database) ?? "";
        const open = () => openPostgresStore({ database: url });
        await (await open()).close();
        if (server !== undefined && database !== undefined) await fillPostgres(server, database, keys);
        return {
          open,
          snapshot: () => snapshotPostgres({ database: url }),
          env: { COUNTERSIGN_DATABASE_URL: url },
        };
      };
      costs.push(await costsOf("PostgreSQL", keys, fill));
    }
    if (server !== undefined && counts.length > 0) {
      const database = await server.createDatabase();
      const url = server.url(database);
      await (await openPostgresStore({ database: url })).close();
      await fillPostgres(server, database, sizes[0] ?? 1000);
      for (const count of counts) {
        process.stderr.write(`${count} nodes on one PostgreSQL …\n`);
        nodes.push(await nodesCosts(url, count, 5000));
      }
    }
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  if (values.json)
    process.stdout.write(`${JSON.stringify({ node: process.version, costs, nodes }, undefined, 2)}\n`);
  else process.stdout.write(report(costs, nodes));
}

const rows: readonly (readonly [title: string, of: (costs: Costs) => string])[] = [
  ["cold look-up of a key and its owner, p50 / p99 ms", (c) => `${ms(c.coldP50)} / ${ms(c.coldP99)}`],
  ["making a key, p50 ms", (c) => ms(c.createP50)],
  ["first page of 50 keys, ms", (c) => ms(c.firstPage)],
  ["a page in the middle, ms", (c) => ms(c.middlePage)],
  ["search for part of a username, ms", (c) => ms(c.search)],
  ["which peppers are needed, ms", (c) => ms(c.pepperIds)],
  ["how many keys need each, ms", (c) => ms(c.pepperUse)],
  ["start of a node, s", (c) => c.startSeconds.toFixed(1)],
  ["its memory, MB", (c) => c.memory.toFixed(0)],
  ["backup, s / MB", (c) => `${c.backupSeconds.toFixed(1)} / ${c.backupMegabytes.toFixed(1)}`],
  ["(filling it by SQL, s)", (c) => c.fillSeconds.toFixed(1)],
];

function report(costs: readonly Costs[], nodes: readonly NodesCosts[]): string {
  const head = costs.map(({ store, keys }) => `${store} ${keys.toLocaleString("en")}`);
  const table = [
    ["", ...head],
    ["---", ...head.map(() => "---:")],
    ...rows.map(([title, of]) => [title, ...costs.map(of)]),
  ];
  const together = [
    ["nodes", "cold look-ups/s", "writes/s", "revocation on every node, p50 / p99 ms"],
    ["---:", "---:", "---:", "---:"],
    ...nodes.map((n) => [
      String(n.nodes),
      n.lookUpsPerSecond.toFixed(0),
      n.writesPerSecond.toFixed(0),
      `${n.revocationP50.toFixed(1)} / ${n.revocationP99.toFixed(1)}`,
    ]),
  ];
  const text = [...(costs.length > 0 ? [table] : []), ...(nodes.length > 0 ? [together] : [])]
    .map((lines) => lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n"))
    .join("\n\n");
  return `Node ${process.version}\n\n${text}\n`;
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 0);
}

if (values.help) process.stdout.write(usage);
else await main();
