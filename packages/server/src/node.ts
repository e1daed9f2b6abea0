import {
  createRevocationFeed,
  createRevocations,
  createRoleDirectory,
  type RevocationFeeder,
  type Revocations,
  type RoleDirectory,
} from "countersign";
import { createMemoryLimits } from "countersign/limits";
import {
  createRedigester,
  createRevocationFollower,
  createUsageRecorder,
  type Redigester,
  type RevocationFollower,
  type Store,
  type UsageRecorder,
} from "countersign/store";
import type { SharedRedis } from "countersign/store/redis";
import type { Logger } from "pino";
import { openAdmin } from "./admin/open-admin.ts";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { configProblems } from "./config/production-checks.ts";
import { openStore } from "./database.ts";
import { type NodeLimits, nodeLimits } from "./limits.ts";
import { connectServices } from "./listen/connect.ts";
import { createCors } from "./listen/cors.ts";
import { listenGrpc } from "./listen/grpc.ts";
import { listenHttp } from "./listen/http.ts";
import { jsonPaths } from "./listen/json-paths.ts";
import { keyReveal, linkBase } from "./listen/key-reveal.ts";
import { wellKnown } from "./listen/well-known.ts";
import { openNodeAuth } from "./node-auth.ts";
import { newNodeId, startHeartbeat } from "./nodes.ts";
import {
  type Counts,
  counting,
  openMetrics,
  proceduresOf,
  startCounting,
} from "./observation/open-metrics.ts";
import { tracedServices } from "./observation/traced-services.ts";
import { Parts } from "./parts.ts";
import { Readiness } from "./readiness.ts";
import { openNodeRedis, shareNews } from "./redis.ts";
import { openRequests, type Requests } from "./requests/requests.ts";
import { markSecrets, requireKnownSecrets } from "./secrets/known-secrets.ts";
import { servicesOf } from "./services.ts";
import { configuredSigning, type Signing, signingOf, startSigning } from "./signing.ts";
import { type NodeTls, openTls } from "./tls/tls-endpoint.ts";
import { askingLimits, tokenEndpointPaths, tokenEndpoints } from "./token-endpoints.ts";
import { startUpkeep } from "./upkeep.ts";

/** A node that is bound to its addresses, and serves once it is told to. */
export interface Node {
  readonly store: Store;
  readonly grpcAddress: string;
  readonly httpAddress: string;
  /** Where metrics are, if they have a listener of their own. */
  readonly metricsAddress: string | undefined;
  /** From now on health checks say SERVING. */
  serve(): void;
  /** Reads certificates anew; of those that cannot be used, the ones of before stay. */
  reloadCertificates(): void;
  /** Says NOT_SERVING, lets open calls end, flushes what was counted, and closes the store. */
  stop(): Promise<void>;
}

/** Puts a node together. Throws, with everything closed again, if any part of it cannot be had. */
export async function createNode(config: Config, log: Logger): Promise<Node> {
  const [problem, ...more] = configProblems(config);
  if (problem !== undefined) throw new ConfigError([problem, ...more].join("; "));
  // Before anything is opened: a key that cannot be used leaves nothing behind.
  const configured = configuredSigning(config);
  const parts = new Parts();
  try {
    const tls = openTls(config, log);
    parts.add(async () => tls.close());
    const counts = startCounting(config);
    const state = await openState(config, { configured, counts, log, parts });
    const readiness = new Readiness(state.revocations);
    const addresses = await listen(config, { ...state, counts, tls, readiness, log, parts });
    const onError = (err: unknown): void => log.warn({ err }, "this node cannot be written down");
    const heartbeat = startHeartbeat({ id: state.nodeId, ...state, addresses, onError });
    parts.add(() => heartbeat.stop());
    return {
      store: state.store,
      ...addresses,
      serve: () => readiness.serve(),
      reloadCertificates: () => tls.reload(),
      async stop() {
        readiness.end();
        state.feed.close();
        await parts.close();
      },
    };
  } catch (error) {
    await parts.close();
    throw error;
  }
}

/** What a node knows, and what keeps that up to date. */
interface State {
  /** Another one with each start. */
  readonly nodeId: string;
  readonly store: Store;
  readonly revocations: Revocations;
  readonly feed: RevocationFeeder;
  readonly roles: RoleDirectory;
  readonly follower: RevocationFollower;
  /** Returns when this node has applied every revocation that is committed; other nodes hear of it. */
  readonly caughtUp: () => Promise<void>;
  readonly limits: NodeLimits;
  readonly redis: SharedRedis | undefined;
  readonly signing: Signing;
  readonly usage: UsageRecorder;
  readonly redigester: Redigester;
  readonly requests: Requests;
}

interface OpenStateParts {
  readonly configured: Signing | undefined;
  readonly counts: Counts | undefined;
  readonly log: Logger;
  readonly parts: Parts;
}

async function openState(config: Config, { configured, counts, log, parts }: OpenStateParts): Promise<State> {
  const store = await openStore(config, { observe: counts?.store.observe });
  parts.add(() => store.close());
  await requireKnownSecrets(config, store.secrets);
  const revocations = createRevocations();
  const feed = createRevocationFeed();
  const roles = await createRoleDirectory({ source: store.roles });
  const follower = createRevocationFollower({
    log: store.revocations,
    view: revocations,
    roles,
    feed,
    staleAfterMs: config.revocations.stale_after * 1000,
    onError: (error) => log.warn({ err: error }, "the revocation log cannot be read"),
  });
  await follower.start();
  parts.add(() => follower.stop());
  const redis = await openNodeRedis(config, {
    onError: (error) => log.warn({ err: error }, "Redis is away"),
    observe: counts?.redis.observe,
  });
  parts.add(async () => redis?.close());
  const news = shareNews(follower, redis);
  parts.add(async () => news.stop());
  const limits = nodeLimits({ config, store, redis, memory: createMemoryLimits() });
  const onError = (error: unknown): void => log.warn({ err: error }, "the signing keys cannot be followed");
  const signing = configured ?? signingOf(config, store, onError);
  parts.add(await startSigning(signing));
  await markSecrets(config, store.secrets);
  const usage = createUsageRecorder({
    apiKeys: store.apiKeys,
    // A file is written on this very thread: calls wait for a millisecond or two at a time, and for one of these only.
    ...(config.secrets.databaseUrl === undefined && { batchSize: 25, restMs: 10 }),
    onError: (error) => log.warn({ err: error }, "usage cannot be written; it is kept and tried again"),
  });
  parts.add(() => usage.close());
  const redigester = createRedigester({
    secrets: store.secrets,
    onError: (error) => log.warn({ err: error }, "digests under the new pepper cannot be written yet"),
  });
  parts.add(() => redigester.close());
  const upkeep = startUpkeep(store, config, (error) =>
    log.warn({ err: error }, "old rows cannot be removed"),
  );
  parts.add(() => upkeep.stop());
  const requests = await openRequests(config, log);
  parts.add(() => requests.close());
  const { caughtUp } = news;
  const logs = { usage, redigester, requests };
  const known = { nodeId: newNodeId(), store, revocations, feed, roles };
  return { ...known, follower, caughtUp, limits, redis, signing, ...logs };
}

interface ListenParts extends State {
  readonly counts: Counts | undefined;
  readonly tls: NodeTls;
  readonly readiness: Readiness;
  readonly log: Logger;
  readonly parts: Parts;
}

/** Binds both listeners to one decision and one set of services. */
async function listen(
  config: Config,
  {
    nodeId,
    store,
    revocations,
    feed,
    roles,
    follower,
    caughtUp,
    limits,
    redis,
    signing,
    usage,
    redigester,
    requests,
    counts,
    tls,
    readiness,
    log,
    parts,
  }: ListenParts,
): Promise<Pick<Node, "grpcAddress" | "httpAddress" | "metricsAddress">> {
  const { log: requestLog } = requests;
  const onCallEnd = counting(requests.onCallEnd, counts);
  const known = { config, store, revocations, roles, signing };
  const deciding = { ...known, limits, usage, redigester, onCallEnd, forwarded: tls.forwarded, log, counts };
  const { auth, proxies, shadow, hashing } = await openNodeAuth(config, deciding);
  const onError = (error: unknown, procedure: string): void =>
    log.error({ err: error, procedure }, "a handler failed");
  const shared = { ...known, feed, auth, asking: askingLimits(config), limits, caughtUp, hashing };
  let httpAddress = "";
  const ofNode = {
    nodeId,
    shadow,
    outside: proxies.auth,
    requests: requestLog,
    linkBase: () => linkBase(config, httpAddress),
  };
  const services = await tracedServices(servicesOf({ ...shared, ...ofNode }));
  const tokens = tokenEndpoints({ ...shared, onError });
  counts?.calls.serve(proceduresOf([auth, proxies.auth], services));
  const measured = { store, auth, revocations, follower, usage, hashing, requests, redis };
  const metrics = await openMetrics({ config, counts, log, parts, ...measured });
  const calls = { users: store.users, onError };
  const listeners: { close(graceMs: number): Promise<void> }[] = [];
  // Together: each has the whole grace.
  parts.add(async () => {
    await Promise.all(listeners.map((listener) => listener.close(config.shutdown_grace * 1000)));
  });
  const grpc = await listenGrpc({
    ...{ config: config.grpc, tls: tls.grpc, auth, ...calls },
    services: [...services, ...proxies.services],
  });
  listeners.push(grpc);
  readiness.onChange((ready) => grpc.setServing(ready));
  const rpc = connectServices(auth, services, calls);
  const http = await listenHttp({
    address: config.http.listen,
    tls: tls.http,
    ready: () => readiness.ready,
    about: { name: "countersign", environment: config.environment, grpc: grpc.address },
    cors: corsOf(config),
    handlers: [
      wellKnown(config.auth.jwt, signing, tokens.length > 0 ? tokenEndpointPaths : {}),
      ...tokens,
      ...proxies.handlers,
      keyReveal({ apiKeys: store.apiKeys, onError }),
      ...metrics.handlers,
      rpc,
      jsonPaths(auth, services, calls),
      ...openAdmin({ ...shared, services, rpc, onError, warn: (message) => log.warn(message) }),
    ],
  });
  listeners.push(http);
  httpAddress = http.address;
  return { grpcAddress: grpc.address, httpAddress, metricsAddress: metrics.address };
}

function corsOf({ http, auth }: Config): ReturnType<typeof createCors> {
  return createCors({ ...http.cors, credentialHeaders: [auth.jwt.header, auth.api_keys.header] });
}
