import type { Auth, EndedCall, Principal } from "countersign";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { FairQueue } from "../fair-queue.ts";
import type { HttpHandler } from "../listen/http.ts";
import type { Parts } from "../parts.ts";
import type { Requests } from "../requests/requests.ts";
import type { ServedService } from "../served-service.ts";
import { CallCounts } from "./call-counts.ts";
import { LimitCounts } from "./limit-counts.ts";
import type { MeteredParts } from "./metrics.ts";
import { RedisCounts } from "./redis-counts.ts";
import { StoreCounts } from "./store-counts.ts";

type OnCallEnd = (ended: EndedCall<Principal>) => void;

/** What is counted, to be read as metrics. */
export interface Counts {
  readonly calls: CallCounts;
  readonly store: StoreCounts;
  readonly limits: LimitCounts;
  readonly redis: RedisCounts;
}

/** Undefined where nobody could read them: then nothing is counted. */
export function startCounting(config: Config): Counts | undefined {
  const { environment, metrics, secrets } = config;
  const readable = environment === "development" || metrics.listen !== undefined;
  if (!readable && secrets.metricsToken === undefined) return undefined;
  return {
    calls: new CallCounts(),
    store: new StoreCounts(),
    limits: new LimitCounts(),
    redis: new RedisCounts(),
  };
}

/** Counts calls that are over, besides what else is done with them. */
export function counting(then: OnCallEnd, counts: Counts | undefined): OnCallEnd {
  if (counts === undefined) return then;
  const { calls } = counts;
  return (ended) => {
    calls.ended(ended);
    then(ended);
  };
}

/** The names of all procedures that there are, before the first call. */
export function proceduresOf(
  auths: readonly (Pick<Auth<Principal>, "rules"> | undefined)[],
  services: readonly Pick<ServedService, "descriptor">[],
): ReadonlySet<string> {
  const served = services.flatMap(({ descriptor: { typeName, methods } }) =>
    methods.map(({ name }) => `/${typeName}/${name}`),
  );
  return new Set([
    ...served,
    ...auths.flatMap((auth) => (auth?.rules() ?? []).map(({ procedure }) => procedure)),
  ]);
}

type NotRead =
  | "calls"
  | "storeCounts"
  | "limitCounts"
  | "redisCounts"
  | "environment"
  | "queues"
  | "requests";

export interface OpenMetricsParts extends Omit<MeteredParts, NotRead> {
  readonly hashing: Pick<FairQueue, "waiting">;
  readonly requests: Pick<Requests, "readings">;
  readonly config: Config;
  readonly counts: Counts | undefined;
  readonly log: Logger;
  readonly parts: Parts;
}

export interface OpenedMetrics {
  /** Where they are on a listener of their own. */
  readonly address: string | undefined;
  /** What the HTTP listener serves of them. */
  readonly handlers: readonly HttpHandler[];
}

/** `GET /metrics`: on the listener that is configured for it, else on the HTTP listener. */
export async function openMetrics(options: OpenMetricsParts): Promise<OpenedMetrics> {
  const { config, counts, log, parts, hashing, requests, ...metered } = options;
  if (counts === undefined) return { address: undefined, handlers: [] };
  // Only where they are read: the library and its collectors take a while to load.
  const [{ createMetrics }, { metricsPath }, { listenMetrics }] = await Promise.all([
    import("./metrics.ts"),
    import("./metrics-path.ts"),
    import("./metrics-listener.ts"),
  ]);
  const { calls, store: storeCounts, limits: limitCounts, redis: redisCounts } = counts;
  const metrics = createMetrics({
    ...metered,
    ...{ calls, storeCounts, limitCounts, redisCounts, environment: config.environment },
    queues: { hashes: () => hashing.waiting, requests: () => requests.readings().waiting },
    requests: () => requests.readings(),
  });
  parts.add(async () => metrics.close());
  const onError = (err: unknown): void => log.error({ err }, "the metrics cannot be read");
  const path = metricsPath({ metrics, token: config.secrets.metricsToken, onError });
  const { listen } = config.metrics;
  if (listen === undefined) return { address: undefined, handlers: [path] };
  const listener = await listenMetrics(listen, path);
  parts.add(() => listener.close());
  return { address: listener.address, handlers: [] };
}
