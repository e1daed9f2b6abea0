import { deepEqual, ok } from "node:assert/strict";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Client } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until } from "./deadline.ts";
import { call } from "./door.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

let server: ServerProcess;
let client: Client;
before(async () => {
  const probe = fileURLToPath(new URL("event-loop-probe.ts", import.meta.url));
  server = await startServer({ nodeArguments: ["--import", probe] });
  client = await grpcJs.connect(server.grpc);
});
after(async () => {
  await client.close();
  await server.stop();
});

interface Delay {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const measured = (): readonly Delay[] =>
  [...server.stderr().matchAll(/^event loop (\{.*\})$/gm)].map(([, json = ""]) => JSON.parse(json) as Delay);

/** What was measured since the last time. */
async function read(): Promise<Delay> {
  const known = measured().length;
  server.signal("SIGUSR2");
  await until(5000, "the probe's line", async () => measured().length > known);
  const last = measured().at(-1);
  if (last === undefined) throw new Error("no line");
  return last;
}

// Passwords are hashed beside the event loop, two at a time: whoever does not log in must not notice.
it("100 logins waiting delay the event loop by less than 20 ms (p99)", { timeout: 60_000 }, async (t) => {
  const rounds: Delay[] = [];
  // The machine does other things as well, and its pauses are not the program's: the best of three.
  const best = (): number => Math.min(...rounds.map(({ p99 }) => p99));
  for (let round = 0; round < 3 && !(best() < 20); round += 1) {
    await read();
    const logins = Array.from({ length: 100 }, (_, n) =>
      call(client, "Login", { username: `nobody ${round} ${n}`, password: "this is not the password" }),
    );
    const codes = (await Promise.all(logins)).map(({ code }) => code);
    deepEqual([...new Set(codes)], [16]);
    rounds.push(await read());
  }
  for (const { count, p50, p99, max } of rounds) {
    t.diagnostic(
      `${count} samples: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${max.toFixed(1)} ms`,
    );
    ok(count > 100, "the probe was at work");
  }
  ok(best() < 20, `p99 ${best()} ms`);
});
