import { startPostgres } from "../../tools/postgres-server.ts";
import { type Fault, FaultProxy } from "../fault-proxy.ts";

/** What nodes share, each of them through a proxy of its own, so that one of them can be cut off. */
export interface Carrier {
  readonly name: string;
  start(nodes: number): Promise<Backing>;
}

/** One thing that nodes depend on. */
export interface Link {
  readonly name: string;
  /** Without it a node refuses, in the end. What is not essential may make revocations slower, and nothing else. */
  readonly essential: boolean;
  /** What one node sees of it. */
  set(node: number, fault: Fault): Promise<void>;
  /** Ends it like a crash and starts it again. */
  restart?(): Promise<void>;
}

export interface Backing {
  readonly links: readonly [Link, ...Link[]];
  /** What a node is told of it. */
  environment(node: number): Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** To add one: a function that starts it, and a line here. */
export const carriers: readonly Carrier[] = [{ name: "PostgreSQL", start: onPostgres }];

async function onPostgres(nodes: number): Promise<Backing> {
  const postgres = await startPostgres();
  const url = new URL(postgres.url(await postgres.createDatabase()));
  const proxies = await Promise.all(Array.from({ length: nodes }, () => FaultProxy.before(Number(url.port))));
  const proxyOf = (node: number): FaultProxy => {
    const proxy = proxies[node];
    if (proxy === undefined) throw new RangeError(`no node ${node}`);
    return proxy;
  };
  return {
    links: [
      {
        name: "PostgreSQL",
        essential: true,
        set: (node, fault) => proxyOf(node).set(fault),
        restart: () => postgres.restart(),
      },
    ],
    environment(node) {
      const through = new URL(url);
      through.port = String(proxyOf(node).port);
      return { COUNTERSIGN_DATABASE_URL: through.href };
    },
    async stop() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await postgres.stop();
    },
  };
}
