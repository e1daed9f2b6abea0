import type { Auth, Principal, Revocations } from "countersign";
import type { RevocationFollower, Store, UsageRecorder } from "countersign/store";
import type { SharedRedis } from "countersign/store/redis";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { programVersion } from "../program-version.ts";
import type { Requests } from "../requests/requests.ts";
import { statusNames } from "../terminal/failure.ts";
import type { CallCounts } from "./call-counts.ts";
import type { LimitCounts } from "./limit-counts.ts";
import { DurationsHistogram } from "./number-histogram.ts";
import type { RedisCounts } from "./redis-counts.ts";
import type { StoreCounts } from "./store-counts.ts";

/** Everything that can be read of a node. */
export interface MeteredParts {
  readonly environment: string;
  readonly calls: CallCounts;
  readonly storeCounts: StoreCounts;
  readonly store: Pick<Store, "readings">;
  readonly auth: Pick<Auth<Principal>, "caches">;
  readonly revocations: Pick<Revocations, "check" | "version">;
  readonly follower: Pick<RevocationFollower, "readings">;
  readonly usage: Pick<UsageRecorder, "pending">;
  /** What waits, by name. */
  readonly queues: Readonly<Record<string, () => number>>;
  readonly requests: Requests["readings"];
  readonly limitCounts: LimitCounts;
  readonly redisCounts: RedisCounts;
  /** Undefined without one. */
  readonly redis: Pick<SharedRedis, "readings"> | undefined;
}

/** One value, and what it is the value of. */
type Reading = readonly [value: number, labels?: Readonly<Record<string, string>>];

interface Definition {
  readonly kind: "counter" | "gauge";
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (parts: MeteredParts) => readonly Reading[];
}

/** What is exposed, by name. Each value is a plain number that is read at a scrape, and costs nothing before. */
const definitions: Readonly<Record<string, Definition>> = {
  countersign_info: {
    kind: "gauge",
    help: "1; what runs is told by the labels.",
    labels: ["version", "environment"],
    read: ({ environment }) => [[1, { version: programVersion(), environment }]],
  },
  countersign_decisions_total: {
    kind: "counter",
    help: "Decisions about calls. authenticator is empty for anonymous calls and where none knew the credential.",
    labels: ["result", "reason", "authenticator"],
    read: ({ calls: { allowed, refused } }) => [
      ...Array.from(allowed, ([authenticator, count]): Reading => {
        return [count, { result: "allowed", reason: "", authenticator }];
      }),
      ...Array.from(refused).flatMap(([authenticator, reasons]) =>
        Array.from(reasons, ([reason, count]): Reading => {
          return [count, { result: "refused", reason, authenticator }];
        }),
      ),
    ],
  },
  countersign_calls_total: {
    kind: "counter",
    help: "Calls that ended, refused ones included, by procedure and gRPC status.",
    labels: ["procedure", "code"],
    read: ({ calls }) =>
      Array.from(calls.procedures).flatMap(([procedure, { codes }]) =>
        codes.flatMap((count, code): readonly Reading[] =>
          count === 0 ? [] : [[count, { procedure, code: statusNames[code] ?? String(code) }]],
        ),
      ),
  },
  countersign_cache_entries: {
    kind: "gauge",
    help: "Credentials that are remembered.",
    labels: ["authenticator"],
    read: (parts) => caches(parts, ({ size }) => size),
  },
  countersign_cache_hits_total: {
    kind: "counter",
    help: "Credentials that were remembered when they came.",
    labels: ["authenticator"],
    read: (parts) => caches(parts, ({ hits }) => hits),
  },
  countersign_cache_misses_total: {
    kind: "counter",
    help: "Credentials that had to be verified.",
    labels: ["authenticator"],
    read: (parts) => caches(parts, ({ misses }) => misses),
  },
  countersign_queue_length: {
    kind: "gauge",
    help: "What waits: slow hashes, rows of the request log, keys whose calls are not in the store yet, transactions.",
    labels: ["queue"],
    read: ({ queues, usage, store }) => [
      ...Object.entries(queues).map(([queue, length]): Reading => [length(), { queue }]),
      [usage.pending, { queue: "usage" }],
      [store.readings?.().writing ?? 0, { queue: "store_writes" }],
    ],
  },
  countersign_requests_dropped_total: {
    kind: "counter",
    help: "Calls that are missing in the request log, because too many waited to be written.",
    read: ({ requests }) => [[requests().dropped]],
  },
  countersign_requests_written_total: {
    kind: "counter",
    help: "Calls that were written into the request log.",
    read: ({ requests }) => [[requests().written]],
  },
  countersign_requests_failures_total: {
    kind: "counter",
    help: "Writings of the request log that failed, and are tried again.",
    read: ({ requests }) => [[requests().failures]],
  },
  countersign_limits_total: {
    kind: "counter",
    help: "What limits of calls said. limit is a name of the configuration, or key for the limits of single keys.",
    labels: ["limit", "kind", "outcome"],
    read: ({ limitCounts: { limits } }) =>
      Object.entries(limits).flatMap(([kind, ofKind]) =>
        [...ofKind].flatMap(([limit, outcomes]) =>
          Object.entries(outcomes).map(([outcome, count]): Reading => [count, { limit, kind, outcome }]),
        ),
      ),
  },
  countersign_credentials_throttled_total: {
    kind: "counter",
    help: "Credentials that were refused unseen, because too many bad ones had come from there.",
    read: ({ limitCounts: { throttled } }) => [[throttled]],
  },
  countersign_logins_total: {
    kind: "counter",
    help: "Logins, by how they ended: OK, the reason of the refusal, or ERROR.",
    labels: ["outcome"],
    read: ({ calls: { logins } }) => Array.from(logins, ([outcome, count]): Reading => [count, { outcome }]),
  },
  countersign_redis_away: {
    kind: "gauge",
    help: "1 while Redis is taken to be away or does not want this node; nothing without one.",
    read: ({ redis }) => (redis === undefined ? [] : [[Number(redis.readings().away)]]),
  },
  countersign_redis_commands_total: {
    kind: "counter",
    help: "What Redis was asked, by how that ended: ok, refused by it, or unavailable.",
    labels: ["outcome"],
    read: ({ redis, redisCounts: { outcomes } }) =>
      redis === undefined
        ? []
        : Object.entries(outcomes).map(([outcome, count]): Reading => [count, { outcome }]),
  },
  countersign_store_operations_total: {
    kind: "counter",
    help: "Statements that read and transactions that wrote, by how they ended.",
    labels: ["operation", "outcome"],
    read: ({ storeCounts }) =>
      Object.entries(storeCounts.outcomes).flatMap(([operation, outcomes]) =>
        Object.entries(outcomes).map(([outcome, count]): Reading => [count, { operation, outcome }]),
      ),
  },
  countersign_store_away: {
    kind: "gauge",
    help: "1 while the database is taken to be away, and calls to it are refused at once (the circuit breaker is open).",
    read: ({ store }) => [[Number(store.readings?.().away ?? false)]],
  },
  countersign_revocations_version: {
    kind: "gauge",
    help: "Changes of what this node knows to be revoked.",
    read: ({ revocations }) => [[revocations.version]],
  },
  countersign_revocations_head: {
    kind: "gauge",
    help: "The number of the last entry of the revocation log that is known to be committed.",
    read: ({ follower }) => [[follower.readings().head]],
  },
  countersign_revocations_applied: {
    kind: "gauge",
    help: "The number of the last entry of the revocation log that this node refuses by.",
    read: ({ follower }) => [[follower.readings().applied]],
  },
  countersign_revocations_age_seconds: {
    kind: "gauge",
    help: "How old what this node knows of the revocation log is.",
    read: ({ follower }) => [[follower.readings().ageMs / 1000]],
  },
  countersign_revocations_failures_total: {
    kind: "counter",
    help: "Readings of the revocation log that failed.",
    read: ({ follower }) => [[follower.readings().failures]],
  },
  countersign_cut_off: {
    kind: "gauge",
    help: "1 while this node has not read the revocation log for too long, and refuses everything.",
    read: ({ revocations }) => [[Number(revocations.check({}, revocations.version) === "unavailable")]],
  },
};

/** The names of all metrics of this program's own, those of histograms included. */
export const metricNames: readonly string[] = Object.freeze([
  ...Object.keys(definitions),
  "countersign_call_duration_seconds",
  "countersign_store_operation_duration_seconds",
  "countersign_redis_command_duration_seconds",
]);

/** Metrics in the text format of Prometheus. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  close(): void;
}

export function createMetrics(parts: MeteredParts): Metrics {
  const registry = new Registry();
  for (const [name, definition] of Object.entries(definitions)) register(registry, name, definition, parts);
  registry.registerMetric(
    new DurationsHistogram({
      name: "countersign_call_duration_seconds",
      help: "From the beginning of a call to its end, by procedure; of calls that were not refused.",
      labelNames: ["procedure"],
      read: () =>
        [...parts.calls.procedures]
          .filter(([, { durations }]) => durations.count > 0)
          .map(([procedure, { durations }]) => [{ procedure }, durations] as const),
    }),
  );
  registry.registerMetric(
    new DurationsHistogram({
      name: "countersign_store_operation_duration_seconds",
      help: "Statements that read and transactions that wrote, their waiting included.",
      labelNames: ["operation"],
      read: () =>
        Object.entries(parts.storeCounts.durations).map(
          ([operation, durations]) => [{ operation }, durations] as const,
        ),
    }),
  );
  registry.registerMetric(
    new DurationsHistogram({
      name: "countersign_redis_command_duration_seconds",
      help: "From asking Redis to its answer.",
      labelNames: [],
      read: () => (parts.redis === undefined ? [] : [[{}, parts.redisCounts.durations] as const]),
    }),
  );
  collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close: () => registry.clear(),
  };
}

function register(registry: Registry, name: string, definition: Definition, parts: MeteredParts): void {
  const { kind, help, labels = [], read } = definition;
  const configuration = { name, help, labelNames: [...labels], registers: [registry] };
  if (kind === "gauge") {
    new Gauge({
      ...configuration,
      collect() {
        this.reset();
        for (const [value, of = {}] of read(parts)) this.set({ ...of }, value);
      },
    });
    return;
  }
  new Counter({
    ...configuration,
    collect() {
      this.reset();
      for (const [value, of = {}] of read(parts)) this.inc({ ...of }, value);
    },
  });
}

/** By authenticator; those of one name together. */
function caches(
  { auth }: MeteredParts,
  value: (readings: ReturnType<Auth<Principal>["caches"]>[number]["readings"]) => number,
): readonly Reading[] {
  const sums = new Map<string, number>();
  for (const { authenticator, readings } of auth.caches())
    sums.set(authenticator, (sums.get(authenticator) ?? 0) + value(readings));
  return Array.from(sums, ([authenticator, sum]): Reading => [sum, { authenticator }]);
}
