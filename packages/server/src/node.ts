import { type Call, createRevocations, type Decision, type Principal, type Revocations } from "countersign";
import {
  createRevocationFollower,
  createUsageRecorder,
  type Store,
  type UsageRecorder,
} from "countersign/store";
import type { Logger } from "pino";
import { createAuthentication } from "./authentication.ts";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { configProblems } from "./config/production-checks.ts";
import { openStore } from "./database.ts";
import { startIssuers } from "./issuers.ts";
import { connectServices } from "./listen/connect.ts";
import { createCors } from "./listen/cors.ts";
import { type GrpcListener, listenGrpc } from "./listen/grpc.ts";
import { type HttpListener, listenHttp } from "./listen/http.ts";
import { jsonPaths } from "./listen/json-paths.ts";
import { wellKnown } from "./listen/well-known.ts";
import { servicesOf } from "./services.ts";
import { configuredSigning, type Signing, signingOf, startSigning } from "./signing.ts";
import { startUpkeep } from "./upkeep.ts";

/** A node that is bound to its addresses, and serves once it is told to. */
export interface Node {
  readonly store: Store;
  readonly grpcAddress: string;
  readonly httpAddress: string;
  /** From now on health checks say SERVING. */
  serve(): void;
  /** Says NOT_SERVING, lets open calls end, flushes what was counted, and closes the store. */
  stop(): Promise<void>;
}

/** Puts a node together. Throws, with everything closed again, if any part of it cannot be had. */
export async function createNode(config: Config, log: Logger): Promise<Node> {
  const [problem, ...more] = configProblems(config);
  if (problem !== undefined) throw new ConfigError([problem, ...more].join("; "));
  // Before anything is opened: a key that cannot be used leaves nothing behind.
  configuredSigning(config);
  const parts = new Parts();
  try {
    const store = await openStore(config);
    parts.add(() => store.close());
    const revocations = createRevocations();
    const follower = createRevocationFollower({
      log: store.revocations,
      view: revocations,
      staleAfterMs: config.revocations.stale_after * 1000,
      onError: (error) => log.warn({ err: error }, "the revocation log cannot be read"),
    });
    await follower.start();
    parts.add(() => follower.stop());
    const signing = await openSigning(config, { store, log, parts });
    const usage = createUsageRecorder({
      apiKeys: store.apiKeys,
      onError: (error) => log.warn({ err: error }, "usage cannot be written; it is kept and tried again"),
    });
    parts.add(() => usage.close());
    const upkeep = startUpkeep(store, (error) => log.warn({ err: error }, "old rows cannot be removed"));
    parts.add(() => upkeep.stop());
    const issuers = startIssuers(config, (issuer, err) =>
      log.warn({ issuer, err }, "an issuer cannot be used"),
    );
    const onDecision = observer(usage, log);
    const auth = createAuthentication({ config, store, revocations, signing, issuers, onDecision });
    const services = servicesOf({ config, store, revocations, signing, caughtUp: () => follower.catchUp() });
    const onError = (error: unknown, procedure: string): void =>
      log.error({ err: error, procedure }, "a handler failed");
    const listeners: { close(graceMs: number): Promise<void> }[] = [];
    // Together: each has the whole grace.
    parts.add(async () => {
      await Promise.all(listeners.map((listener) => listener.close(config.shutdown_grace * 1000)));
    });
    const grpc = await listenGrpc({ config: config.grpc, auth, users: store.users, services, onError });
    listeners.push(grpc);
    let serving = false;
    const about = { name: "countersign", environment: config.environment, grpc: grpc.address };
    const calls = { users: store.users, onError };
    const http = await listenHttp({
      address: config.http.listen,
      ready: () => serving,
      about,
      cors: createCors({
        ...config.http.cors,
        credentialHeaders: [config.auth.jwt.header, config.auth.api_keys.header],
      }),
      handlers: [
        wellKnown(config.auth.jwt, signing),
        connectServices(auth, services, calls),
        jsonPaths(auth, services, calls),
      ],
    });
    listeners.push(http);
    return running({ store, grpc, http, parts, revocations, setServing: (now) => (serving = now) });
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function openSigning(
  config: Config,
  { store, log, parts }: { readonly store: Store; readonly log: Logger; readonly parts: Parts },
): Promise<Signing> {
  const signing = signingOf(config, store, (error) =>
    log.warn({ err: error }, "the signing keys cannot be followed"),
  );
  parts.add(await startSigning(signing));
  return signing;
}

interface Running {
  readonly store: Store;
  readonly grpc: GrpcListener;
  readonly http: HttpListener;
  readonly parts: Parts;
  readonly revocations: Revocations;
  readonly setServing: (serving: boolean) => void;
}

function running({ store, grpc, http, parts, revocations, setServing }: Running): Node {
  let wanted = false;
  let told = false;
  // A node that has been cut off from its store for too long refuses everything: others had better be asked.
  const announce = (): void => {
    const serving = wanted && revocations.check({}, revocations.version) !== "unavailable";
    if (serving === told) return;
    told = serving;
    setServing(serving);
    grpc.setServing(serving);
  };
  const forget = revocations.onChange(announce);
  return {
    store,
    grpcAddress: grpc.address,
    httpAddress: http.address,
    serve() {
      wanted = true;
      announce();
    },
    async stop() {
      wanted = false;
      announce();
      forget();
      await parts.close();
    },
  };
}

/** What was opened, closed in the opposite order. One that fails to close does not keep the others open. */
class Parts {
  readonly #closers: (() => Promise<void>)[] = [];

  add(close: () => Promise<void>): void {
    this.#closers.unshift(close);
  }

  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0))
      await close().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}

function observer(usage: UsageRecorder, log: Logger): (decision: Decision<Principal>, call: Call) => void {
  return (decision, call) => {
    if (decision.ok) {
      const key = decision.principal?.apiKey;
      if (key !== undefined) usage.record(key.id, Date.now());
      return;
    }
    const { reason, cause, subject } = decision.denial;
    const level = reason === "UNAVAILABLE" ? "error" : "info";
    const details = cause instanceof Error ? { err: cause } : { cause };
    log[level](
      { procedure: call.procedure, reason, peer: call.peer.address, ...subject, ...details },
      "refused",
    );
  };
}
