import { Histogram } from "prom-client";

/** Upper bounds in seconds: from a warm decision to a call that somebody waits for. */
export const callBuckets: readonly number[] = Object.freeze([
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
]);

/** Durations as plain numbers: adding one costs a search of the bounds. */
export class Durations {
  /** One for each bound, and one for what is above all. */
  readonly counts = new Array<number>(callBuckets.length + 1).fill(0);
  sum = 0;
  count = 0;

  add(seconds: number): void {
    let index = 0;
    while (index < callBuckets.length && seconds > (callBuckets[index] ?? 0)) index += 1;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += seconds;
    this.count += 1;
  }
}

export interface DurationsConfiguration<T extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly T[];
  /** Asked at each scrape. */
  readonly read: () => Iterable<readonly [labels: Record<T, string>, durations: Durations]>;
}

type Exposed<T extends string> = Awaited<ReturnType<Histogram<T>["get"]>>;

/** A histogram of prom-client's that is made of plain numbers at each scrape. */
export class DurationsHistogram<T extends string> extends Histogram<T> {
  readonly #configuration: DurationsConfiguration<T>;

  constructor(configuration: DurationsConfiguration<T>) {
    const { name, help, labelNames } = configuration;
    super({ name, help, labelNames: [...labelNames], buckets: [...callBuckets], registers: [] });
    this.#configuration = configuration;
  }

  override async get(): Promise<Exposed<T>> {
    const { name, help, read } = this.#configuration;
    const values = [...read()].flatMap(([labels, durations]) => lines(name, labels, durations));
    return { name, help, type: "histogram", aggregator: "sum", values } as unknown as Exposed<T>;
  }

  /** What a registry asks in place of `get()`, where it is there. */
  getForPromString(): Promise<Exposed<T>> {
    return this.get();
  }
}

/** Cumulative, as Prometheus has them. */
function lines(name: string, labels: Readonly<Record<string, string>>, { counts, sum, count }: Durations) {
  let below = 0;
  const buckets = callBuckets.map((bound, index) => {
    below += counts[index] ?? 0;
    return { labels: { ...labels, le: bound }, value: below, metricName: `${name}_bucket` };
  });
  return [
    ...buckets,
    { labels: { ...labels, le: "+Inf" }, value: count, metricName: `${name}_bucket` },
    { labels, value: sum, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ];
}
