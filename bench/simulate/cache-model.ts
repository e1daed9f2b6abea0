import { value } from "./inputs.ts";
import { createRandom, createZipf } from "./random.ts";

export interface CacheResult {
  readonly routing: "any node" | "by key";
  readonly skew: number;
  /** The share of calls whose credential the node does not remember. */
  readonly misses: number;
}

const calls = 3_000_000;
const warmUp = 2_000_000;

/**
 * One node's memory of credentials, call by call: two generations, as in the program. `any node`: its calls are drawn from all
 * keys. `by key`: a balancer sends the calls of a key always to the same node, so that this one sees a thousandth of the keys,
 * which are as uneven among themselves as all of them.
 */
export function simulateCache(routing: CacheResult["routing"], skew: number, seed: number): CacheResult {
  const random = createRandom(seed);
  const seen = routing === "by key" ? value("keys") / value("nodes") : value("keys");
  const draw = createZipf(seen, skew, random);
  const generation = value("cached") / 2;
  let [young, old] = [new Set<number>(), new Set<number>()];
  let misses = 0;
  const add = (key: number): void => {
    if (young.size >= generation) {
      old = young;
      young = new Set();
    }
    young.add(key);
  };
  for (let call = 0; call < calls; call += 1) {
    const key = draw();
    if (young.has(key)) continue;
    if (!old.delete(key) && call >= warmUp) misses += 1;
    add(key);
  }
  return { routing, skew, misses: misses / (calls - warmUp) };
}
