import { startPostgres } from "../../tools/postgres-server.ts";
import { startRedis } from "../../tools/redis-server.ts";
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
  /** What the carrier is about comes first; a short run breaks that one alone. */
  readonly links: readonly [Link, ...Link[]];
  /** What a node is told of it. */
  environment(node: number): Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** To add one: a function that starts it, and a line here. */
export const carriers: readonly Carrier[] = [
  { name: "PostgreSQL", start: onPostgres },
  { name: "PostgreSQL and Redis", start: onPostgresAndRedis },
];

/** A server that nodes share, behind a proxy for each of them. */
interface Proxied extends Backing {
  readonly links: readonly [Link];
}

interface Shared {
  readonly name: string;
  readonly essential: boolean;
  readonly variable: string;
  readonly url: URL;
  readonly server: { restart(): Promise<void>; stop(): Promise<void> };
}

async function behindProxies(shared: Shared, nodes: number): Promise<Proxied> {
  const { name, essential, variable, url, server } = shared;
  const proxies = await Promise.all(Array.from({ length: nodes }, () => FaultProxy.before(Number(url.port))));
  const proxyOf = (node: number): FaultProxy => {
    const proxy = proxies[node];
    if (proxy === undefined) throw new RangeError(`no node ${node}`);
    return proxy;
  };
  return {
    links: [
      { name, essential, set: (node, fault) => proxyOf(node).set(fault), restart: () => server.restart() },
    ],
    environment(node) {
      const through = new URL(url);
      through.port = String(proxyOf(node).port);
      return { [variable]: through.href };
    },
    async stop() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await server.stop();
    },
  };
}

async function onPostgres(nodes: number): Promise<Proxied> {
  const server = await startPostgres();
  const url = new URL(server.url(await server.createDatabase()));
  const shared = { name: "PostgreSQL", essential: true, variable: "COUNTERSIGN_DATABASE_URL", url, server };
  return behindProxies(shared, nodes);
}

/** Redis tells the nodes of revocations; PostgreSQL has them. */
async function onPostgresAndRedis(nodes: number): Promise<Backing> {
  const database = await onPostgres(nodes);
  const server = await startRedis();
  const url = new URL(server.url);
  const shared = { name: "Redis", essential: false, variable: "COUNTERSIGN_REDIS_URL", url, server };
  const news = await behindProxies(shared, nodes);
  return {
    links: [...news.links, ...database.links],
    environment: (node) => ({ ...database.environment(node), ...news.environment(node) }),
    async stop() {
      await news.stop();
      await database.stop();
    },
  };
}
