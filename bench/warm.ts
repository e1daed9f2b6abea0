import { createVerifier } from "fast-jwt";
import {
  BenchCall,
  type Callers,
  makeCallers,
  procedure,
  secret,
  storeReads,
  Wire,
  zipf,
} from "./callers.ts";
import { compete, type Figure } from "./measure.ts";

export interface WarmResult {
  readonly figures: readonly Figure[];
  readonly storeReads: number;
  readonly bytesPerToken: number;
}

const callers = 10_000;
const draws = 1 << 16;

/** Whole warm decisions in a loop: fresh strings, 10,000 live callers, a few of whom call often. */
export async function warmDecisions(): Promise<WarmResult> {
  const bytesPerToken = await memoryPerToken();
  const { tokens, keys, auth, limited } = makeCallers(callers);
  const bearer = new Wire(tokens.map((token) => `Bearer ${token}`));
  const bare = new Wire(tokens);
  const apiKeys = new Wire(keys);
  const order = zipf(callers, draws);
  const fastJwt = createVerifier({
    key: secret,
    cache: callers * 2,
    cacheTTL: 3_600_000,
    algorithms: ["HS256"],
  });

  const decide =
    (wire: Wire, header: string, by = auth) =>
    (operations: number) => {
      for (let index = 0; index < operations; index++) {
        const value = wire.receive(order[index & (draws - 1)] ?? 0);
        const decision = by.decide(new BenchCall(procedure, header, value));
        if (decision instanceof Promise || !decision.ok)
          throw new Error("a warm decision is an admission, at once");
      }
    };
  warmUp({ tokens, keys, auth: limited });
  const readsBefore = warmUp({ tokens, keys, auth });
  for (let index = 0; index < callers; index++) fastJwt(bare.receive(index));
  const figures = await compete(15, 200_000, {
    "fresh string": (operations) => {
      let length = 0;
      for (let index = 0; index < operations; index++) {
        length += bearer.receive(order[index & (draws - 1)] ?? 0).length;
      }
      if (length === 0) throw new Error("nothing was received");
    },
    "JWT decision": decide(bearer, "authorization"),
    "API key decision": decide(apiKeys, "x-api-key"),
    "JWT decision with a rate": decide(bearer, "authorization", limited),
    "fast-jwt with its cache": (operations) => {
      for (let index = 0; index < operations; index++) fastJwt(bare.receive(order[index & (draws - 1)] ?? 0));
    },
  });
  return { figures, storeReads: storeReads.users + storeReads.keys - readsBefore, bytesPerToken };
}

/** One cold decision for each caller. Returns how often the stores were read for that. */
function warmUp({ tokens, keys, auth }: Omit<Callers, "limited">): number {
  for (const token of tokens) void auth.decide(new BenchCall(procedure, "authorization", `Bearer ${token}`));
  for (const key of keys) void auth.decide(new BenchCall(procedure, "x-api-key", key));
  return storeReads.users + storeReads.keys;
}

/** What one remembered token costs, its text included. */
async function memoryPerToken(): Promise<number> {
  const { tokens, auth } = makeCallers(callers);
  const wire = new Wire(tokens.map((token) => `Bearer ${token}`));
  const before = await heapInUse();
  for (let index = 0; index < callers; index++) {
    void auth.decide(new BenchCall(procedure, "authorization", wire.receive(index)));
  }
  const after = await heapInUse();
  if (tokens.length !== callers || auth.rules().length === 0) throw new Error("kept alive until here");
  return (after - before) / callers;
}

async function heapInUse(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
