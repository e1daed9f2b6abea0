import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { HttpHandler } from "../listen/http.ts";
import type { Parts } from "../parts.ts";
import { CallCounts } from "./call-counts.ts";
import type { MeteredParts } from "./metrics.ts";
import { StoreCounts } from "./store-counts.ts";

/** What is counted, to be read as metrics. */
export interface Counts {
  readonly calls: CallCounts;
  readonly store: StoreCounts;
}

/** Undefined where nobody could read them: then nothing is counted. */
export function startCounting(config: Config): Counts | undefined {
  const { environment, metrics, secrets } = config;
  const readable = environment === "development" || metrics.listen !== undefined;
  if (!readable && secrets.metricsToken === undefined) return undefined;
  return { calls: new CallCounts(), store: new StoreCounts() };
}

export interface OpenMetricsParts extends Omit<MeteredParts, "calls" | "storeCounts" | "environment"> {
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
  const { config, counts, log, parts, ...metered } = options;
  if (counts === undefined) return { address: undefined, handlers: [] };
  // Only where they are read: the library and its collectors take a while to load.
  const [{ createMetrics }, { metricsPath }, { listenMetrics }] = await Promise.all([
    import("./metrics.ts"),
    import("./metrics-path.ts"),
    import("./metrics-listener.ts"),
  ]);
  const { calls, store: storeCounts } = counts;
  const metrics = createMetrics({ ...metered, calls, storeCounts, environment: config.environment });
  parts.add(async () => metrics.close());
  const onError = (err: unknown): void => log.error({ err }, "the metrics cannot be read");
  const path = metricsPath({ metrics, token: config.secrets.metricsToken, onError });
  const { listen } = config.metrics;
  if (listen === undefined) return { address: undefined, handlers: [path] };
  const listener = await listenMetrics(listen, path);
  parts.add(() => listener.close());
  return { address: listener.address, handlers: [] };
}
