import { deepEqual, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { killAtExit } from "../tools/at-exit.ts";
import type { Client } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until } from "./deadline.ts";
import { call } from "./door.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

/** A process with the probe. */
type Probed = Pick<ServerProcess, "stderr" | "signal">;

const probe = fileURLToPath(new URL("event-loop-probe.ts", import.meta.url));
let server: ServerProcess;
let idler: Probed;
let client: Client;
before(async () => {
  server = await startServer({ nodeArguments: ["--import", probe] });
  idler = await startIdler();
  client = await grpcJs.connect(server.grpc);
});
after(async () => {
  await client.close();
  idler.signal("SIGKILL");
  await server.stop();
});

/** A process that does nothing: what delays it is the machine. */
async function startIdler(): Promise<Probed> {
  const program = "console.error('idle'); setInterval(() => {}, 1000);";
  const child = spawn(process.execPath, ["--import", probe, "--eval", program], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  killAtExit(child);
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await until(20_000, "the process that does nothing", async () => text.includes("idle"));
  return { stderr: () => text, signal: (signal) => void child.kill(signal) };
}

interface Delay {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const measured = ({ stderr }: Probed): readonly Delay[] =>
  [...stderr().matchAll(/^event loop (\{.*\})$/gm)].map(([, json = ""]) => JSON.parse(json) as Delay);

/** What was measured since the last time. */
async function read(probed: Probed): Promise<Delay> {
  const known = measured(probed).length;
  probed.signal("SIGUSR2");
  await until(5000, "the probe's line", async () => measured(probed).length > known);
  const last = measured(probed).at(-1);
  if (last === undefined) throw new Error("no line");
  return last;
}

// Passwords are hashed beside the event loop, two at a time: whoever does not log in must not notice.
it("100 logins waiting delay the event loop by less than 20 ms (p99)", { timeout: 60_000 }, async (t) => {
  const rounds: number[] = [];
  // The machine does other things as well: what they cost is seen beside, twice over where much is to be done, in the best of three.
  const best = (): number => Math.min(...rounds);
  for (let round = 0; round < 3 && !(best() < 20); round += 1) {
    await Promise.all([read(server), read(idler)]);
    const logins = Array.from({ length: 100 }, (_, n) =>
      call(client, "Login", { username: `nobody ${round} ${n}`, password: "this is not the password" }),
    );
    const codes = (await Promise.all(logins)).map(({ code }) => code);
    deepEqual([...new Set(codes)], [16]);
    const [{ count, p50, p99, max }, idle] = await Promise.all([read(server), read(idler)]);
    ok(count > 100, "the probe was at work");
    t.diagnostic(
      `${count} samples: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${max.toFixed(1)} ms; idle p99 ${idle.p99.toFixed(2)} ms`,
    );
    rounds.push(p99 - 2 * idle.p99);
  }
  ok(best() < 20, `p99 ${best()} ms above that of a process that does nothing`);
});
