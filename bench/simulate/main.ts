import { parseArgs } from "node:util";
import { type CacheResult, simulateCache } from "./cache-model.ts";
import { type DatabaseResult, simulateDatabase } from "./database-model.ts";
import { inputs, value } from "./inputs.ts";
import { type Carrying, type LogResult, simulateLog } from "./log-model.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const usage = `npm run bench:simulate [-- OPTIONS]

  --seed N   another run (default 1); the same seed gives the same figures
  --json     the figures as JSON

A model of 1,000 nodes and 100 million keys; bench/simulate/inputs.ts has what it assumes.
`;

const carryings: readonly Carrying[] = [
  { kind: "each node reads", atMostEach: 0 },
  { kind: "each node reads", atMostEach: 100 },
  { kind: "relays", nodesEach: 50, atMostEach: 0 },
  { kind: "relays", nodesEach: 50, atMostEach: 20 },
];

function simulate(seed: number) {
  const caches = (["any node", "by key"] as const).flatMap((routing) =>
    [value("skew"), 0.8].map((skew) => simulateCache(routing, skew, seed)),
  );
  const worst = Math.max(...caches.map(({ misses }) => misses));
  const usual = caches[0]?.misses ?? worst;
  const databases = [
    ...[8, 16, 32].map((machines) => simulateDatabase(machines, usual, seed)),
    simulateDatabase(4, caches.find(({ routing }) => routing === "by key")?.misses ?? 0, seed),
  ];
  const logs = carryings.map((carrying) => simulateLog(carrying, seed));
  return { caches, databases, logs };
}

function report({ caches, databases, logs }: ReturnType<typeof simulate>): string {
  const live = value("revocations") * value("lifetime");
  const lines = [
    "Inputs",
    "",
    "| | | origin |",
    "|---|---:|---|",
    ...Object.values(inputs).map(
      ({ name, value, unit, origin, source }) =>
        `| ${name} | ${value.toLocaleString("en")} ${unit} | ${origin}${source === "" ? "" : `: ${source}`} |`,
    ),
    "",
    "Calls whose credential the node does not remember",
    "",
    "| routing | Zipf's exponent | share of calls |",
    "|---|---:|---:|",
    ...caches.map(cacheRow),
    "",
    "First checks, on machines that share the keys",
    "",
    "| machines | misses | look-ups/s | busy | p50 ms | p99 ms |",
    "|---:|---:|---:|---:|---:|---:|",
    ...databases.map(databaseRow),
    "",
    `Revocations, ${value("revocations")} a second, until the last of ${value("nodes").toLocaleString("en")} nodes refuses`,
    "",
    "| carried by | reads of the log/s | its machine busy | p50 ms | p99 ms | worst ms | keeps up |",
    "|---|---:|---:|---:|---:|---:|---|",
    ...logs.map(logRow),
    "",
    `Live entries: ${live.toLocaleString("en")} on each node, ${((live * value("bytesPerEntry")) / 1e6).toFixed(1)} MB.`,
    `The nodes' own work on decisions: ${(value("callsPerNode") * value("warm") * 0.1).toFixed(2)} % of a core each.`,
    "",
  ];
  return lines.join("\n");
}

function cacheRow({ routing, skew, misses }: CacheResult): string {
  return `| ${routing} | ${skew} | ${percent(misses)} |`;
}

function databaseRow({ machines, misses, lookUpsPerSecond, utilisation, p50, p99 }: DatabaseResult): string {
  const rate = Math.round(lookUpsPerSecond).toLocaleString("en");
  return `| ${machines} | ${percent(misses)} | ${rate} | ${percent(utilisation)} | ${p50.toFixed(1)} | ${p99.toFixed(1)} |`;
}

function logRow({ carrying, readsPerSecond, utilisation, p50, p99, worst, keptUp }: LogResult): string {
  const often = carrying.atMostEach === 0 ? "" : `, at most every ${carrying.atMostEach} ms`;
  const how = carrying.kind === "relays" ? `relays of ${carrying.nodesEach} nodes` : carrying.kind;
  const figures = [p50, p99, worst].map((ms) => ms.toFixed(1)).join(" | ");
  const rate = Math.round(readsPerSecond).toLocaleString("en");
  return `| ${how}${often} | ${rate} | ${percent(utilisation)} | ${figures} | ${keptUp ? "yes" : "no"} |`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

if (values.help) process.stdout.write(usage);
else {
  const results = simulate(Number(values.seed));
  process.stdout.write(
    values.json ? `${JSON.stringify({ inputs, ...results }, undefined, 2)}\n` : report(results),
  );
}
