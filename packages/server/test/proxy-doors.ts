import { Client, credentials } from "@grpc/grpc-js";
import { pino } from "pino";
import { createAuthentication } from "../src/authentication.ts";
import { openDecisions } from "../src/decide/open-decisions.ts";
import { Authorization } from "../src/gen/envoy/service/auth/v3/external_auth_pb.ts";
import { createCors } from "../src/listen/cors.ts";
import { listenGrpc } from "../src/listen/grpc.ts";
import { listenHttp } from "../src/listen/http.ts";
import { allOrNone } from "./all-or-none.ts";
import { type Credential, callGrpc, codes, type DoorAnswer, headersOf, reasonOf } from "./doors.ts";
import type { InProcessNode } from "./in-process-node.ts";
import { makeKey } from "./matrix-people.ts";

/** Asks what a proxy asks about a call of this path. */
export type AskProxy = (path: string, credential: Credential) => Promise<DoorAnswer>;

export interface ProxyDoors {
  readonly doors: Readonly<Record<string, AskProxy>>;
  readonly close: () => Promise<void>;
}

/** The rules of the program's own RPCs as if they were served behind proxies. `run` is the service: it gets what they let through. */
export async function openProxyDoors(node: InProcessNode, run: () => never): Promise<ProxyDoors> {
  const { store, deciding, policy } = node;
  const config = { ...node.config, services: [], proxies: { ...node.config.proxies, ...asked } };
  const parts = { ...deciding, config, onDecision: () => {} };
  const own = createAuthentication({ ...parts, policy: [] });
  const { services, handlers } = openDecisions({
    ...parts,
    own,
    limits: { take: () => undefined, seal: () => {} },
    outside: { tables: policy, services: [] },
    forwarded: undefined,
    log: pino({ level: "silent" }),
  });
  const onError = (error: unknown): void => console.error(error);
  const shared = { tls: undefined, auth: own, users: store.users, onError };
  return allOrNone(async (atEnd) => {
    const grpc = await listenGrpc({ ...shared, config: config.grpc, services });
    atEnd(() => grpc.close(0));
    const http = await listenHttp({
      ...{ address: config.http.listen, tls: undefined, ready: () => true, about: {}, handlers },
      cors: createCors({ ...config.http.cors, credentialHeaders: [] }),
    });
    atEnd(() => http.close(0));
    const edge = { username: "edge", email: "edge@example.com", isSuperuser: true };
    const { key } = await makeKey(node, await store.users.create(edge), { scopes: ["auth.decisions:ask"] });
    const client = new Client(grpc.address, credentials.createInsecure());
    atEnd(() => client.close());
    return { doors: doorsOfProxies({ client, address: http.address, key, run }) };
  });
}

interface Asking {
  readonly client: Client;
  readonly address: string;
  readonly key: string;
  readonly run: () => never;
}

function doorsOfProxies({ client, address, key, run }: Asking): ProxyDoors["doors"] {
  const after = (told: DoorAnswer): DoorAnswer => (told.code === 0 ? passed(run) : told);
  return {
    ext_authz: async (path, credential) => after(await askEnvoys(client, { key, path, credential })),
    "forward-auth (Traefik, Caddy)": async (path, credential) =>
      after(await askForwarded(address, { key, path, credential, dialect: "" })),
    "forward-auth (nginx)": async (path, credential) =>
      after(await askForwarded(address, { key, path, credential, dialect: "/nginx" })),
  };
}

const asked = { ext_authz: true, forward_auth: true } as const;

/** What the service behind a proxy says of a call that reaches it. */
function passed(run: () => never): DoorAnswer {
  try {
    return run();
  } catch {
    return { code: 10, message: "", reason: "", answers: [] };
  }
}

interface Question {
  /** The proxy's own. */
  readonly key: string;
  readonly path: string;
  readonly credential: Credential;
}

/** What Envoy's client gets in place of an answer, over gRPC. */
async function askEnvoys(client: Client, { key, path, credential }: Question): Promise<DoorAnswer> {
  const headers = { ":path": path, ...headersOf(credential), "content-type": "application/grpc" };
  const answer = await callGrpc(client, {
    method: Authorization.method.check,
    credential: ["x-api-key", key],
    request: { attributes: { request: { http: { method: "POST", path, headers } } } },
  });
  if (answer.code !== 0) throw new Error(`ext_authz: ${answer.message}`);
  const [{ denied_response: denied }] = answer.answers as [Checked];
  if (denied === undefined) return { ...answer, answers: [] };
  return statusIn(Object.fromEntries(denied.headers.map(({ header }) => [header.key, header.value])));
}

interface Checked {
  readonly denied_response?: {
    readonly headers: readonly { readonly header: { readonly key: string; readonly value: string } }[];
  };
}

/** Traefik and Caddy for a client of JSON's, nginx for one of gRPC's. */
async function askForwarded(
  address: string,
  { key, path, credential, dialect }: Question & { readonly dialect: "" | "/nginx" },
): Promise<DoorAnswer> {
  const response = await fetch(`http://${address}/forward-auth${dialect}`, {
    headers: {
      ...headersOf(credential),
      "x-countersign-proxy-key": key,
      "x-forwarded-method": "POST",
      "x-forwarded-uri": path,
      "content-type": dialect === "" ? "application/json" : "application/grpc",
    },
  });
  const { status, headers } = response;
  const body = await response.text();
  if (status === 200) return { code: 0, message: "", reason: "", answers: [] };
  if (dialect !== "") return statusIn(Object.fromEntries(headers));
  const { message = "", reason = "" } = JSON.parse(body) as Record<string, string>;
  return { code: codes[status] ?? -1, message, reason, answers: [] };
}

function statusIn(headers: Readonly<Record<string, unknown>>): DoorAnswer {
  const code = Number(headers["grpc-status"]);
  const message = decodeURIComponent(String(headers["grpc-message"]));
  const details = Buffer.from(String(headers["grpc-status-details-bin"]), "base64");
  return { code, message, reason: reasonOf(details), answers: [] };
}
