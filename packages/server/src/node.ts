import { createRevocations } from "countersign";
import type { Shadow } from "countersign/policy";
import {
  createRevocationFollower,
  createUsageRecorder,
  type Store,
  type UsageRecorder,
} from "countersign/store";
import type { Logger } from "pino";
import { type AuthenticationParts, createAuthentication } from "./authentication.ts";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { configProblems } from "./config/production-checks.ts";
import { openStore } from "./database.ts";
import { type GrpcListener, listenGrpc } from "./listen/grpc.ts";
import { type HttpListener, listenHttp } from "./listen/http.ts";
import { jsonApi } from "./listen/json-api.ts";
import { loadPolicy, loadShadow } from "./policy/node-policy.ts";
import { servicesOf } from "./services.ts";
import { loadSigning } from "./signing.ts";
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
  const parts = new Parts();
  try {
    const signing = loadSigning(config);
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
    const usage = createUsageRecorder({
      apiKeys: store.apiKeys,
      onError: (error) => log.warn({ err: error }, "usage cannot be written; it is kept and tried again"),
    });
    parts.add(() => usage.close());
    const upkeep = startUpkeep(store, (error) => log.warn({ err: error }, "old rows cannot be removed"));
    parts.add(() => upkeep.stop());
    const { shadow, ...rules } = policyInForce(config, log, observer(usage, log));
    const auth = createAuthentication({ config, store, revocations, signing, ...rules });
    const caughtUp = (): Promise<void> => follower.catchUp();
    const services = servicesOf({ config, store, revocations, signing, auth, shadow, caughtUp });
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
    const json = jsonApi(auth, services, { users: store.users, onError });
    const http = await listenHttp({
      address: config.http.listen,
      ready: () => serving,
      about,
      handlers: [(request, response) => json.handle(request, response)],
    });
    listeners.push(http);
    return running({ store, grpc, http, parts, setServing: (now) => (serving = now) });
  } catch (error) {
    await parts.close();
    throw error;
  }
}

type Observer = AuthenticationParts["onDecision"];

/** The rules in force, and the candidate beside them, if there is one: it is told of each decision, too. */
function policyInForce(
  config: Config,
  log: Logger,
  observer: Observer,
): Pick<AuthenticationParts, "policy" | "onDecision"> & { readonly shadow: Shadow | undefined } {
  const loaded = loadPolicy(config);
  const shadow = loadShadow(config, loaded, ({ procedure, kind, reason, userId }) =>
    log.warn({ procedure, kind, reason, userId }, "the candidate policy differs"),
  );
  if (shadow === undefined) return { policy: loaded.served, onDecision: observer, shadow };
  const onDecision: Observer = (decision, call) => {
    shadow.observe(decision, call);
    observer(decision, call);
  };
  return { policy: shadow.policy, onDecision, shadow };
}

interface Running {
  readonly store: Store;
  readonly grpc: GrpcListener;
  readonly http: HttpListener;
  readonly parts: Parts;
  readonly setServing: (serving: boolean) => void;
}

function running({ store, grpc, http, parts, setServing }: Running): Node {
  const announce = (serving: boolean): void => {
    setServing(serving);
    grpc.setServing(serving);
  };
  return {
    store,
    grpcAddress: grpc.address,
    httpAddress: http.address,
    serve: () => announce(true),
    async stop() {
      announce(false);
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

function observer(usage: UsageRecorder, log: Logger): Observer {
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
