import type { Config } from "../config/config.ts";
import { createLog } from "../log.ts";
import { createNode, type Node } from "../node.ts";

/**
 * Runs a node until it is told to stop. `prepare` is called when the addresses are bound and before anything is
 * served: what it throws stops the start, and what it returns is printed once the node serves.
 */
export async function runNode(config: Config, prepare: (node: Node) => Promise<string>): Promise<void> {
  const log = createLog(config);
  const node = await createNode(config, log);
  const stopping = stopSignal();
  // In production only: elsewhere this is what a terminal says that is closed.
  if (config.environment === "production") process.on("SIGHUP", () => node.reloadCertificates());
  try {
    const announcement = await prepare(node);
    node.serve();
    process.stdout.write(announcement);
  } catch (error) {
    await node.stop();
    throw error;
  }
  const { grpcAddress: grpc, httpAddress: http, metricsAddress: metrics } = node;
  log.info({ grpc, http, metrics }, "serving");
  const signal = await stopping;
  log.info({ signal }, "stopping");
  await node.stop();
  log.info("stopped");
}

/** The first signal stops in good order; the second one ends the process at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1));
        resolve(signal);
      });
    }
  });
}
