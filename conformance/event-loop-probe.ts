// Measures, in the program itself, how late its event loop is. Loaded before it: `node --import event-loop-probe.ts …`. Each
// SIGUSR2 writes a line on standard error and begins anew.
import { monitorEventLoopDelay } from "node:perf_hooks";

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on("SIGUSR2", () => {
  const ms = (nanoseconds: number): number => nanoseconds / 1e6;
  const measured = {
    count: delay.count,
    p50: ms(delay.percentile(50)),
    p99: ms(delay.percentile(99)),
    max: ms(delay.max),
  };
  process.stderr.write(`event loop ${JSON.stringify(measured)}\n`);
  delay.reset();
});
