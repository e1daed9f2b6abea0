import { loadConfig } from "../config/config.ts";

export interface ServeOptions {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `countersign serve`: what the configuration says, in production unless it says otherwise. */
export async function serve(options: ServeOptions): Promise<void> {
  const config = loadConfig({ file: options.config, createSecrets: true });
  // Only now: what is wrong with a configuration is said at once.
  const { runNode } = await import("./run-node.ts");
  await runNode(config, async (node) => {
    const { grpcAddress: grpc, httpAddress: http, metricsAddress: metrics } = node;
    const addresses = { grpc, http, metrics };
    return options.json
      ? `${JSON.stringify(addresses)}\n`
      : `gRPC on ${addresses.grpc}, HTTP on ${addresses.http}\n`;
  });
}
