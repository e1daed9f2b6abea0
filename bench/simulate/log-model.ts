import { value } from "./inputs.ts";
import { createRandom, type Random } from "./random.ts";
import { quantile, Simulation, Station } from "./simulation.ts";

/** How a revocation gets to the nodes. */
export type Carrying =
  /** The bus says that there is something new, and each node reads the log. */
  | { readonly kind: "each node reads"; readonly atMostEach: number }
  /** Few relays read the log, and stream it to nodes, as the server does to `countersign/remote`. */
  | { readonly kind: "relays"; readonly nodesEach: number; readonly atMostEach: number };

export interface LogResult {
  readonly carrying: Carrying;
  readonly readsPerSecond: number;
  readonly utilisation: number;
  /** From the acknowledgement until the last of the nodes refuses. */
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Nothing was left behind when the time was up. */
  readonly keptUp: boolean;
}

const horizon = 5000;

/** The log's machine, the bus and the followers, entry by entry. Reads of the log compete with its writes. */
export function simulateLog(carrying: Carrying, seed: number): LogResult {
  return new LogModel(carrying, seed).run();
}

/** A reader of the log: one reading at a time, and what comes meanwhile waits for the next. */
interface Reader {
  applied: number;
  running: boolean;
  again: boolean;
  startedAt: number;
}

class LogModel {
  readonly #carrying: Carrying;
  readonly #random: Random;
  readonly #simulation = new Simulation();
  readonly #database: Station;
  /** The log's numbers come from one row: one transaction at a time. */
  readonly #writer: Station;
  readonly #bus: Station;
  readonly #readers: readonly Reader[];
  readonly #committedAt: number[] = [];
  /** How many readers have not applied an entry yet, and when the last node behind those that have refuses. */
  readonly #missing: number[] = [];
  readonly #arrivedAt: number[] = [];
  readonly #delays: number[] = [];

  constructor(carrying: Carrying, seed: number) {
    this.#carrying = carrying;
    const random = createRandom(seed);
    this.#random = random;
    const [fetch, commit, push] = [value("fetch"), value("commit"), value("push")];
    this.#database = new Station(this.#simulation, value("databaseCores"), () => random.exponential(fetch));
    this.#writer = new Station(this.#simulation, 1, () => random.exponential(commit));
    this.#bus = new Station(this.#simulation, 1, () => push);
    const count =
      carrying.kind === "relays" ? Math.ceil(value("nodes") / carrying.nodesEach) : value("nodes");
    const startedAt = Number.NEGATIVE_INFINITY;
    this.#readers = Array.from({ length: count }, () => ({
      applied: 0,
      running: false,
      again: false,
      startedAt,
    }));
  }

  run(): LogResult {
    for (const reader of this.#readers)
      this.#simulation.after(this.#random.next() * value("poll"), () => this.#poll(reader));
    this.#revoke();
    this.#simulation.run(horizon);
    const due = this.#committedAt.filter((at) => at < horizon - 1000).length;
    return {
      carrying: this.#carrying,
      readsPerSecond: (this.#database.served * 1000) / horizon,
      utilisation: this.#database.utilisation(),
      p50: quantile(this.#delays, 0.5),
      p99: quantile(this.#delays, 0.99),
      worst: quantile(this.#delays, 1),
      keptUp: this.#delays.length >= due,
    };
  }

  #revoke(): void {
    this.#simulation.after(this.#random.exponential(1000 / value("revocations")), () => this.#revoke());
    this.#writer.request(() => {
      this.#committedAt.push(this.#simulation.now);
      for (const reader of this.#readers)
        this.#bus.request(() => this.#simulation.after(this.#way(), () => this.#read(reader)));
    });
  }

  #poll(reader: Reader): void {
    this.#simulation.after(value("poll"), () => this.#poll(reader));
    this.#read(reader);
  }

  #read(reader: Reader): void {
    if (reader.running) {
      reader.again = true;
      return;
    }
    reader.running = true;
    const wait = Math.max(reader.startedAt + this.#carrying.atMostEach - this.#simulation.now, 0);
    this.#simulation.after(wait, () => {
      reader.startedAt = this.#simulation.now;
      this.#simulation.after(this.#way(), () => this.#database.request(() => this.#answered(reader)));
    });
  }

  #answered(reader: Reader): void {
    const head = this.#committedAt.length;
    this.#simulation.after(this.#way(), () => {
      this.#apply(reader, head);
      reader.running = false;
      if (!reader.again) return;
      reader.again = false;
      this.#read(reader);
    });
  }

  #apply(reader: Reader, head: number): void {
    if (head === reader.applied) return;
    const at = this.#simulation.now + this.#onward();
    for (let entry = reader.applied; entry < head; entry += 1) {
      const missing = (this.#missing[entry] ?? this.#readers.length) - 1;
      this.#missing[entry] = missing;
      const last = Math.max(this.#arrivedAt[entry] ?? 0, at);
      this.#arrivedAt[entry] = last;
      if (missing === 0) this.#delays.push(last - (this.#committedAt[entry] ?? 0));
    }
    reader.applied = head;
  }

  /** From a reader to the last of the nodes behind it. */
  #onward(): number {
    const carrying = this.#carrying;
    const nodes = carrying.kind === "relays" ? carrying.nodesEach : 1;
    let last = 0;
    for (let node = 0; node < nodes; node += 1) {
      const way = carrying.kind === "relays" ? this.#way() : 0;
      last = Math.max(last, way + this.#random.lognormal(value("loop"), value("spread")));
    }
    return last;
  }

  /** One way. */
  #way(): number {
    return this.#random.lognormal(value("network") / 2, value("spread"));
  }
}
