import { readFileSync } from "node:fs";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Config } from "../src/config/config.ts";
import { allOrNone } from "./all-or-none.ts";
import { type Credential, type Door, type DoorAnswer, doorsOf } from "./doors.ts";
import type { InProcessNode } from "./in-process-node.ts";
import { type NestDoors, openNestDoors } from "./nest-doors.ts";
import { type AskProxy, openProxyDoors, type ProxyDoors } from "./proxy-doors.ts";
import { type Ask, openRouteDoors, overHttp, type RouteDoors } from "./route-doors.ts";

/** What an answer comes to, and for a refusal its reason, which has to be the same at each door. */
export interface Cell {
  readonly text: string;
  readonly reason: string;
}

/** One way in, for each RPC that it takes. */
export interface MatrixDoor {
  /** The adapter: a subpath of the library, or a member of `proxies` in the configuration. */
  readonly of: string;
  readonly takes: (method: DescMethod) => boolean;
  readonly ask: (method: DescMethod, credential: Credential) => Promise<Cell>;
}

export interface MatrixDoors {
  readonly doors: Readonly<Record<string, MatrixDoor>>;
  readonly close: () => Promise<void>;
}

/** Every door, and the adapter that it is a door of. */
const adapters: Readonly<Record<string, string>> = {
  gRPC: "./grpc",
  JSON: "./connect",
  Connect: "./connect",
  "gRPC-Web": "./connect",
  "gRPC on Connect's router": "./connect",
  "older paths": "./http/json",
  "node:http": "./http/node",
  Express: "./http/express",
  Fastify: "./http/fastify",
  fetch: "./http/fetch",
  Hono: "./http/hono",
  NestJS: "./nestjs",
  "NestJS (gRPC)": "./nestjs",
  ext_authz: "ext_authz",
  "forward-auth (Traefik, Caddy)": "forward_auth",
  "forward-auth (nginx)": "forward_auth",
};

/** Subpaths of the library that nobody comes in by. */
const noDoors = [
  ...[".", "./jwt", "./api-key", "./oidc", "./client-certificate", "./limits", "./policy", "./policy/cel"],
  ...["./client", "./grpc/client", "./connect/client", "./remote", "./revocation", "./service"],
  ...["./descriptors", "./otel"],
  ...["./store", "./store/backup", "./store/memory", "./store/sqlite", "./store/postgres", "./store/redis"],
  ...["./signing-keys", "./testing", "./testing/grpc", "./testing/connect", "./package.json"],
  // Its own rows: the forms of OAuth.
  "./http/form",
  // The listener under every door of ./connect.
  "./connect/node",
];

/** What has to have a door: whatever the library exports that is not known to have none, and each way for proxies to ask. */
export function adaptersToAsk({ proxies }: Config): readonly string[] {
  const library = new URL("../../countersign/package.json", import.meta.url);
  const { exports } = JSON.parse(readFileSync(library, "utf8")) as { exports: object };
  const subpaths = Object.keys(exports).filter((subpath) => !noDoors.includes(subpath));
  const switches = Object.entries(proxies).filter(([, value]) => typeof value === "boolean");
  return [...subpaths, ...switches.map(([name]) => name)];
}

/** Opens each. A handler, whatever door leads to it, is `run`, which throws `ABORTED`. */
export function openMatrixDoors(node: InProcessNode, run: () => never): Promise<MatrixDoors> {
  const behind = { auth: node.bareAuth, rules: new Map(node.policy.flatMap((table) => [...table])), run };
  return allOrNone(async (atEnd) => {
    const own = doorsOf(node);
    atEnd(own.close);
    const routes = await openRouteDoors(behind);
    atEnd(routes.close);
    const nest = await openNestDoors(behind);
    atEnd(nest.close);
    const proxies = await openProxyDoors(node, run);
    atEnd(proxies.close);
    return { doors: named(node, { own, routes, nest, proxies }) };
  });
}

interface Opened {
  readonly own: ReturnType<typeof doorsOf>;
  readonly routes: RouteDoors;
  readonly nest: NestDoors;
  readonly proxies: ProxyDoors;
}

function named(node: InProcessNode, { own, routes, nest, proxies }: Opened): MatrixDoors["doors"] {
  const ways: Readonly<Record<string, Way>> = {
    ...each(own.doors, rpc),
    "older paths": olderPaths(node.addresses.http),
    ...each(routes.doors, route),
    NestJS: route(nest.http),
    "NestJS (gRPC)": rpc({ takes: () => true, call: nest.grpc }),
    ...each(proxies.doors, proxied),
  };
  const doors = Object.entries(ways).map(([name, way]) => {
    const of = adapters[name];
    if (of === undefined) throw new Error(`${name} is the door of no adapter`);
    return [name, { of, ...way }] as const;
  });
  return Object.fromEntries(doors);
}

type Way = Omit<MatrixDoor, "of">;

const nameOf = ({ parent, name }: DescMethod): string => `/${parent.typeName}/${name}`;

function each<T>(doors: Readonly<Record<string, T>>, way: (door: T) => Way): Readonly<Record<string, Way>> {
  return Object.fromEntries(Object.entries(doors).map(([name, door]) => [name, way(door)]));
}

function rpc({ takes, call }: Door): Way {
  return { takes, ask: async (method, credential) => cellOf(await call({ method, credential })) };
}

function proxied(ask: AskProxy): Way {
  return {
    takes: () => true,
    ask: async (method, credential) => cellOf(await ask(nameOf(method), credential)),
  };
}

function route(ask: Ask): Way {
  return {
    takes: () => true,
    ask: async (method, credential) => routeCell(await ask(nameOf(method), credential)),
  };
}

/** Those RPCs that older clients know by another path. */
function olderPaths(address: string): Way {
  const paths: Readonly<Record<string, string>> = {
    "/auth.v1.AuthService/Login": "/auth/token",
    "/auth.v1.AuthService/RefreshToken": "/auth/token/refresh",
    "/auth.v1.AuthService/Logout": "/auth/logout",
  };
  const ask = overHttp(`http://${address}`);
  return {
    takes: (method) => nameOf(method) in paths,
    ask: async (method, credential) => routeCell(await ask(paths[nameOf(method)] ?? "", credential)),
  };
}

function cellOf({ code, message, reason }: DoorAnswer): Cell {
  return code === 10 ? { text: "allowed", reason: "" } : { text: message, reason };
}

async function routeCell(response: Response): Promise<Cell> {
  const { message = "", reason = "" } = (await response.json()) as Record<string, string>;
  return response.status === 409 ? { text: "allowed", reason: "" } : { text: message, reason };
}
