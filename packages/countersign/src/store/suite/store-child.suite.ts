/**
 * Another process on the same database, for tests: `node store-child.suite.ts <job> <path or URL>`. It prints `ready`, waits
 * for a line on its standard input, and then does the job, printing a line for each thing that was acknowledged.
 */
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { RateLimit } from "../../core/limit.ts";
import type { Store } from "../contracts.ts";
import { openPostgresStore } from "../postgres.ts";
import { openRedis } from "../redis.ts";
import { openPostgresBackend } from "../sql/postgres/postgres-backend.ts";
import { postgresTarget } from "../sql/postgres/postgres-options.ts";
import { openSqliteStore } from "../sqlite.ts";

function open(place: string): Promise<Store> {
  return place.startsWith("postgres:")
    ? openPostgresStore({ database: place })
    : openSqliteStore({ path: place });
}

const jobs: Readonly<Record<string, (place: string, lines: AsyncIterator<string>) => Promise<void>>> = {
  /** Opens, creates one user, and ends. */
  migrate: async (place) => {
    const store = await open(place);
    say((await store.users.create({ username: `user of ${process.pid}` })).id);
    await store.close();
  },

  /** Creates and changes users until it is killed, or the server. */
  write: async (place) => {
    const store = await open(place);
    try {
      for (;;) {
        const { id } = await store.users.create({ username: crypto.randomUUID() });
        await store.users.update(id, { attributes: { changed: "yes" } });
        say(id);
      }
    } catch {
      // The server was killed, and not this process.
      process.exit(1);
    }
  },

  /** Changes a user whom the other process created, and tells what that one did then. */
  beside: async (place, lines) => {
    const store = await open(place);
    say(String((await store.users.update("1", { attributes: { child: "was here" } }))?.username));
    await lines.next();
    say(JSON.stringify((await store.users.load("1"))?.attributes));
    say(String(await store.revocations.head()));
    await store.close();
  },

  /** Counts a hundred calls at once, and tells how many were admitted. */
  count: async (place) => {
    const store = place.startsWith("redis:") ? await openRedis({ url: place }) : await open(place);
    const limit: RateLimit = { kind: "rate", name: "shared", limit: 120, windowSeconds: 600 };
    const hundred = Array.from({ length: 100 }, async () => store.limits.take([{ limit, subject: "ada" }]));
    say(String((await Promise.all(hundred)).filter(({ ok }) => ok).length));
    await store.close();
  },

  /** Gets as far as the middle of a transaction on PostgreSQL, and stays there. */
  standStill: async (place) => {
    const backend = openPostgresBackend({ target: postgresTarget(place), readers: 1 });
    await backend.write(async (trx) => {
      await trx.updateTable("users").set({ username: "half done", username_folded: "half done" }).execute();
      say("inside");
      await new Promise(() => setInterval(() => {}, 1000));
    });
  },

  /** Rotates session `s1`, guesses as `ada` and uses the steps of user 1 fifty times at once, and tells what came of it. */
  race: async (place) => {
    const store = await open(place);
    const now = new Date();
    const rotation = { generation: 1, refreshUntil: new Date(now.getTime() + 1e6), now, graceMs: 60_000 };
    const rule = { limit: 10, windowSeconds: 900, now: new Date(1.8e12) };
    const fifty = Array.from({ length: 50 }, (_, index) => index);
    const [results, verdicts, steps] = await Promise.all([
      Promise.all(fifty.map(() => store.sessions.rotate("s1", rotation))),
      Promise.all(fifty.map(() => store.attempts.begin("ada", rule))),
      Promise.all(fifty.map(() => store.totp.useStep("1", 200))),
    ]);
    const rotations = results.map((result) =>
      result.kind === "over" ? "over" : `${result.kind} ${result.session.generation}`,
    );
    const admitted = verdicts.filter(({ ok }) => ok).length;
    say(JSON.stringify({ rotations, admitted, stepsUsed: steps.filter(Boolean).length }));
    await store.close();
  },
};

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const [, , job = "", place = ""] = process.argv;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
say("ready");
await lines.next();
await jobs[job]?.(place, lines);
process.stdin.destroy();
