import { createHash } from "node:crypto";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import {
  type Auth,
  createRevocationFeed,
  createRevocations,
  createRoleDirectory,
  type Principal,
  type RuleTable,
} from "countersign";
import { connectAuth, implement } from "countersign/connect";
import { connectListener } from "countersign/connect/node";
import type { FormHandler } from "countersign/http/form";
import { FormRoutes } from "countersign/http/form";
import { createRevocationFollower, type RequestLog, type Store } from "countersign/store";
import { type AuthenticationParts, createAuthentication } from "../src/authentication.ts";
import { type Config, loadConfig } from "../src/config/config.ts";
import { databasePath, openStore } from "../src/database.ts";
import { servable } from "../src/descriptors.ts";
import { connectServices } from "../src/listen/connect.ts";
import { createCors } from "../src/listen/cors.ts";
import { listenGrpc } from "../src/listen/grpc.ts";
import { listenHttp } from "../src/listen/http.ts";
import { jsonPaths } from "../src/listen/json-paths.ts";
import { loadPolicy } from "../src/policy/node-policy.ts";
import { openRequestLog } from "../src/requests/requests.ts";
import type { ServedService } from "../src/served-service.ts";
import { servicesOf } from "../src/services.ts";
import { type Signing, signingOf, startSigning } from "../src/signing.ts";
import { askingLimits, tokenEndpointPaths, tokenEndpoints } from "../src/token-endpoints.ts";
import { type AtEnd, allOrNone } from "./all-or-none.ts";

/** The program's own auth, store, rules and listeners in this process, with every service that it can serve. */
export interface InProcessNode {
  readonly config: Config;
  readonly store: Store;
  /** Nothing is written there but what a test writes. */
  readonly requests: RequestLog;
  readonly signing: Signing;
  readonly auth: Auth<Principal>;
  /** The same callers, and no rules: to guard routes with. */
  readonly bareAuth: () => Auth<Principal>;
  /** What there is to make another of. */
  readonly deciding: Omit<AuthenticationParts, "policy" | "onDecision">;
  /** The rules of the program's own services. */
  readonly policy: readonly RuleTable<Principal>[];
  /** grpc-js, HTTP, and Connect's router over HTTP/2, which speaks gRPC as well. */
  readonly addresses: { readonly grpc: string; readonly http: string; readonly connect: string };
  /** Of everything in the database. */
  readonly digest: () => string;
  readonly caughtUp: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface InProcessOptions {
  readonly data: string;
  /** In place of the handlers that there are. */
  readonly replace?: {
    readonly service: (service: ServedService) => ServedService;
    readonly form: FormHandler;
  };
  readonly config?: (config: Config) => Config;
}

export function startInProcess(options: InProcessOptions): Promise<InProcessNode> {
  return allOrNone((atEnd) => start(options, atEnd));
}

async function start(
  { data, replace, config: edit = (config) => config }: InProcessOptions,
  atEnd: AtEnd,
): Promise<Omit<InProcessNode, "close">> {
  const listen = { COUNTERSIGN_GRPC_LISTEN: "127.0.0.1:0", COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:0" };
  const env = { COUNTERSIGN_DATA: data, ...listen };
  const found = loadConfig({ environment: "development", createSecrets: true, env });
  const config = edit({ ...found, services: servable.map(({ typeName }) => typeName) });
  const store = await openStore(config);
  atEnd(() => store.close());
  const signing = signingOf(config, store);
  atEnd(await startSigning(signing));
  const roles = await createRoleDirectory({ source: store.roles });
  const revocations = createRevocations();
  const follower = createRevocationFollower({ log: store.revocations, view: revocations, roles });
  await follower.start();
  atEnd(() => follower.stop());
  const caughtUp = (): Promise<void> => follower.catchUp();
  const { served: policy } = await loadPolicy(config);
  const deciding = { config, store, revocations, roles, signing };
  const onDecision = (): void => {};
  const auth = createAuthentication({ ...deciding, policy, onDecision });
  const bareAuth = (): Auth<Principal> => createAuthentication({ ...deciding, policy: [], onDecision });
  const asking = askingLimits(config);
  const feed = createRevocationFeed();
  const parts = { config, store, revocations, feed, roles, signing, auth, asking, caughtUp };
  const requests = await openRequestLog(config);
  atEnd(() => requests.close());
  const services = servicesOf({ ...parts, shadow: undefined, requests }).map(
    replace?.service ?? ((own) => own),
  );
  const onError = (error: unknown): void => console.error(error);
  const calls = { users: store.users, onError };
  const forms = replace === undefined ? tokenEndpoints({ ...parts, onError }) : [formsOf(auth, replace.form)];
  const grpc = await listenGrpc({ config: config.grpc, tls: undefined, auth, services, ...calls });
  atEnd(() => grpc.close(0));
  const http = await listenHttp({
    ...{ address: config.http.listen, tls: undefined, ready: () => true, about: {} },
    cors: createCors({ ...config.http.cors, credentialHeaders: [] }),
    handlers: [...forms, connectServices(auth, services, calls), jsonPaths(auth, services, calls)],
  });
  atEnd(() => http.close(0));
  const connect = await listenConnect(auth, services, calls);
  atEnd(connect.close);
  const database = new DatabaseSync(databasePath(config), { readOnly: true });
  atEnd(() => database.close());
  return {
    ...{ config, store, requests, signing, auth, bareAuth, deciding, policy, caughtUp },
    addresses: { grpc: grpc.address, http: http.address, connect: connect.address },
    digest: () => digestOf(database),
  };
}

/** The routes of the token endpoints, with this in the place of both. */
function formsOf(auth: Auth<Principal>, handler: FormHandler) {
  const routes = new FormRoutes(auth, { onError: (error) => console.error(error) });
  for (const path of Object.values(tokenEndpointPaths)) routes.add(path, handler);
  return (...[request, response]: Parameters<FormRoutes["handle"]>) => routes.handle(request, response);
}

/** What a service of somebody's own does with our guard on Connect's router, gRPC included. */
async function listenConnect(
  auth: Auth<Principal>,
  services: readonly ServedService[],
  options: { readonly onError: (error: unknown) => void },
) {
  const listener = connectListener(connectAuth(auth, options), {
    routes(router) {
      for (const { descriptor, handlers } of services)
        router.service(descriptor, implement(descriptor, handlers));
    },
  });
  const server = createServer(listener);
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}

function digestOf(database: DatabaseSync): string {
  const hash = createHash("sha256");
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  for (const { name } of tables) {
    const rows = database.prepare(`SELECT * FROM "${String(name)}"`).all();
    hash.update(
      JSON.stringify([name, rows], (_key, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      ),
    );
  }
  return hash.digest("hex");
}
