/** What the model is made of. Milliseconds, unless another unit is named. */
export interface Input {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** `measured`: by a benchmark of this repository, on the machine of docs/scaling.md. `assumed`: by nobody. */
  readonly origin: "measured" | "assumed";
  readonly source: string;
}

const measured = (name: string, value: number, unit: string, source: string): Input => ({
  ...{ name, value, unit, source },
  origin: "measured",
});
const assumed = (name: string, value: number, unit: string, source: string): Input => ({
  ...{ name, value, unit, source },
  origin: "assumed",
});

export const inputs = {
  nodes: assumed("nodes", 1000, "", "the question"),
  keys: assumed("API keys", 100_000_000, "", "the question"),
  callsPerNode: assumed(
    "calls on each node",
    1000,
    "/s",
    "a tenth of what one does at most: docs/benchmark.md",
  ),
  skew: assumed("Zipf's exponent of callers", 1, "", "few call often; 0.8 is shown too"),
  cached: measured("credentials that a node remembers", 65_536, "", "the default of apiKey({ capacity })"),
  warm: measured("a warm decision in a server", 0.0035, "ms", "npm run bench: JWT p50"),
  coldService: assumed(
    "a look-up, in the database",
    0.2,
    "ms of a core",
    "half of what one takes here from end to end on a quiet core",
  ),
  databaseCores: assumed("cores of a database machine", 32, "", "a large one"),
  network: assumed("way to the database and back, median", 0.5, "ms", "one region"),
  spread: assumed("84th percentile of ways, over the median", 1.6, "×", ""),
  commit: assumed(
    "a write transaction that appends to the log",
    2,
    "ms",
    "a synchronised commit on a good disk, and its replica",
  ),
  revocations: assumed("revocations (logouts, keys, users)", 200, "/s", "17 million in a day"),
  lifetime: measured("how long one is kept", 900, "s", "the default lifetime of access tokens"),
  bytesPerEntry: measured(
    "memory of a live entry on each node",
    30,
    "bytes",
    "npm run bench -- --only revocations",
  ),
  poll: measured("a node asks for the head of the log each", 500, "ms", "the default"),
  push: assumed(
    "a push to one subscriber, in the bus",
    0.002,
    "ms of a core",
    "a Redis writes half a million small messages a second",
  ),
  fetch: assumed("reading what is new from the log, in the database", 0.3, "ms of a core", ""),
  loop: assumed(
    "a node's event loop, until it gets to it, median",
    0.3,
    "ms",
    "at 1,000 calls a second it is idle most of the time",
  ),
} as const;

export type InputName = keyof typeof inputs;

export function value(name: InputName): number {
  return inputs[name].value;
}
