import assert from "node:assert/strict";
import { it } from "node:test";
import { createRandom, createZipf } from "./random.ts";
import { quantile, Simulation, Station } from "./simulation.ts";

function mm1(load: number, seed: number): { readonly mean: number; readonly events: number } {
  const random = createRandom(seed);
  const simulation = new Simulation();
  const station = new Station(simulation, 1, () => random.exponential(1));
  const times: number[] = [];
  const arrive = (): void => {
    simulation.after(random.exponential(1 / load), arrive);
    const began = simulation.now;
    station.request(() => times.push(simulation.now - began));
  };
  arrive();
  simulation.run(200_000);
  return { mean: times.reduce((sum, time) => sum + time, 0) / times.length, events: simulation.events };
}

it("is right where the answer is known: the mean time in an M/M/1 queue", () => {
  for (const load of [0.2, 0.5, 0.8]) {
    const { mean } = mm1(load, 3);
    const expected = 1 / (1 - load);
    assert.ok(Math.abs(mean / expected - 1) < 0.05, `${load}: ${mean} and not ${expected}`);
  }
});

it("is the same for the same seed, and another for another", () => {
  assert.deepEqual(mm1(0.5, 1), mm1(0.5, 1));
  assert.notDeepEqual(mm1(0.5, 1), mm1(0.5, 2));
});

it("draws by Zipf's law", () => {
  for (const exponent of [0.8, 1, 1.2]) {
    const draw = createZipf(1000, exponent, createRandom(5));
    const counts = new Float64Array(1001);
    const draws = 200_000;
    for (let n = 0; n < draws; n += 1) {
      const rank = draw();
      counts[rank] = (counts[rank] ?? 0) + 1;
    }
    assert.equal(counts[0], 0);
    let harmonic = 0;
    for (let rank = 1; rank <= 1000; rank += 1) harmonic += rank ** -exponent;
    for (const rank of [1, 2, 10]) {
      const expected = rank ** -exponent / harmonic;
      assert.ok(Math.abs((counts[rank] ?? 0) / draws / expected - 1) < 0.05, `${exponent}, ${rank}`);
    }
  }
});

it("finds quantiles", () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([3, 1, 2], 1), 3);
});
