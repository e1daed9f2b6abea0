import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createRevocations, type RevocationEvent, type Revocations } from "countersign";
import { createRevocationFollower } from "countersign/store";
import { openSqliteStore } from "countersign/store/sqlite";
import { BenchCall, type Callers, makeCallers, procedure, Wire, zipf } from "./callers.ts";
import { compete, type Figure } from "./measure.ts";

export interface RevocationsResult {
  readonly figures: readonly Figure[];
  /** Of a view with a million live entries. */
  readonly megabytes: number;
  readonly pruneMs: number;
  /** Of a node that finds a million live entries in its store. */
  readonly start: { readonly seconds: number; readonly longestMs: number };
}

const live = 1_000_000;
const portion = 1000;
const callers = 10_000;
const draws = 1 << 16;
const end = Math.ceil(Date.now() / 1000) + 86_400;

/** What a million live revocations cost: memory, warm decisions, and a start. */
export async function revocationCosts(): Promise<RevocationsResult> {
  const before = await inUse();
  const million = createRevocations();
  for (let first = 0; first < live; first += portion) apply(million, portionOf(first));
  const megabytes = ((await inUse()) - before) / 1e6;
  const few = createRevocations();
  const order = zipf(callers, draws);
  const [none, many] = [few, million].map((view) => ({
    view,
    ...warm(makeCallers(callers, { revocations: view })),
  }));
  if (none === undefined || many === undefined) throw new Error("there are two");
  const run =
    ({ view, decide }: Warm & { readonly view: Revocations }, revokeEach: number) =>
    (operations: number) => {
      const before = process.cpuUsage();
      for (let index = 0; index < operations; index += 1) {
        if (index % revokeEach === 0 && revokeEach < operations) view.apply(logout());
        decide(order[index & (draws - 1)] ?? 0);
      }
      // Of the processor, and not of the clock: neighbours take turns, and not evenly.
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
  const never = Number.MAX_SAFE_INTEGER;
  const figures = await compete(25, 100_000, {
    "no entries, at rest": run(none, never),
    "a million entries, at rest": run(many, never),
    "no entries, a logout each 100": run(none, 100),
    "a million entries, a logout each 100": run(many, 100),
  });
  const pruning = performance.now();
  // The first thousand end first.
  million.prune(end + 1 + 60);
  const pruneMs = performance.now() - pruning;
  return { figures, megabytes, pruneMs, start: await startOnAMillion() };
}

let logouts = 0;
function logout(): RevocationEvent {
  logouts += 1;
  return { kind: "session", sessionId: `logout-${logouts}-of-a-run`, expiresAt: end };
}

/** A third of each kind; texts as long as those that are given out. */
function portionOf(first: number): RevocationEvent[] {
  const expiresAt = end + 1 + first / portion;
  return Array.from({ length: portion }, (_, index): RevocationEvent => {
    const number = String(first + index);
    if (index % 3 === 0) return { kind: "session", sessionId: number.padStart(24, "session-"), expiresAt };
    if (index % 3 === 1)
      return {
        kind: "token",
        issuer: "https://id.example.com",
        jti: number.padStart(22, "token-"),
        expiresAt,
      };
    return { kind: "issued-before", userId: number.padStart(8, "0"), before: end, expiresAt };
  });
}

function apply(view: Revocations, [event, ...more]: readonly RevocationEvent[]): void {
  if (event !== undefined) view.apply(event, ...more);
}

interface Warm {
  readonly decide: (caller: number) => void;
}

function warm({ tokens, auth }: Callers): Warm {
  const wire = new Wire(tokens.map((token) => `Bearer ${token}`));
  const decide = (caller: number): void => {
    const decision = auth.decide(new BenchCall(procedure, "authorization", wire.receive(caller)));
    if (decision instanceof Promise || !decision.ok)
      throw new Error("a warm decision is an admission, at once");
  };
  for (const token of tokens) void auth.decide(new BenchCall(procedure, "authorization", `Bearer ${token}`));
  return { decide };
}

/** A store with a million live entries, and a follower that begins on it. */
async function startOnAMillion(): Promise<RevocationsResult["start"]> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-bench-"));
  try {
    const path = join(folder, "log.db");
    await (await openSqliteStore({ path })).close();
    fillLog(path);
    const store = await openSqliteStore({ path });
    const follower = createRevocationFollower({ log: store.revocations, view: createRevocations() });
    let longestMs = 0;
    let last = performance.now();
    const began = last;
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    }, 1);
    await follower.start();
    longestMs = Math.max(longestMs, performance.now() - last);
    clearInterval(timer);
    const seconds = (performance.now() - began) / 1000;
    await follower.stop();
    await store.close();
    return { seconds, longestMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function fillLog(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("begin");
  const insert = database.prepare("insert into revocation_log values (?, ?, ?, ?)");
  let sequence = 0;
  for (let first = 0; first < live; first += portion) {
    for (const event of portionOf(first)) {
      sequence += 1;
      insert.run(sequence, JSON.stringify(event), (end + 86_400) * 1000, Date.now());
    }
  }
  database.exec(`update revocation_head set sequence = ${live}`);
  database.exec("commit");
  database.close();
}

async function inUse(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
