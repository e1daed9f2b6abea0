import { value } from "./inputs.ts";
import { createRandom } from "./random.ts";
import { quantile, Simulation, Station } from "./simulation.ts";

export interface DatabaseResult {
  readonly machines: number;
  readonly misses: number;
  readonly lookUpsPerSecond: number;
  readonly utilisation: number;
  readonly p50: number;
  readonly p99: number;
}

const horizon = 2000;

/** First checks of credentials that no node remembers: two look-ups each, on machines that share the keys by their ids. */
export function simulateDatabase(machines: number, misses: number, seed: number): DatabaseResult {
  const random = createRandom(seed);
  const simulation = new Simulation();
  const perMachine = (value("nodes") * value("callsPerNode") * misses) / machines;
  // Machines are alike, so that one stands for all.
  const database = new Station(simulation, value("databaseCores"), () =>
    random.exponential(value("coldService")),
  );
  const times: number[] = [];
  const way = (): number => random.lognormal(value("network"), value("spread"));
  const arrive = (): void => {
    simulation.after(random.exponential(1000 / perMachine), arrive);
    const began = simulation.now;
    const lookUp = (left: number): void =>
      simulation.after(way() / 2, () =>
        database.request(() =>
          simulation.after(way() / 2, () =>
            left > 1 ? lookUp(left - 1) : times.push(simulation.now - began),
          ),
        ),
      );
    lookUp(2);
  };
  arrive();
  simulation.run(horizon);
  return {
    machines,
    misses,
    lookUpsPerSecond: perMachine * machines * 2,
    utilisation: database.utilisation(),
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}
