import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Auth, Principal, Rule } from "countersign";
import { expressAuth } from "countersign/http/express";
import { fastifyAuth } from "countersign/http/fastify";
import { fetchAuth } from "countersign/http/fetch";
import { honoAuth } from "countersign/http/hono";
import { nodeAuth } from "countersign/http/node";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { allOrNone } from "./all-or-none.ts";
import { type Credential, headersOf } from "./doors.ts";

/** Asks for a path by POST. */
export type Ask = (path: string, credential: Credential) => Promise<Response>;

export interface RouteDoors {
  readonly doors: Readonly<Record<string, Ask>>;
  readonly close: () => Promise<void>;
}

export interface Routes {
  /** A new one for each door, without rules of its own. */
  readonly auth: () => Auth<Principal>;
  /** The rules of RPCs, by path. */
  readonly rules: ReadonlyMap<string, Rule<Principal>>;
  /** What every route does. */
  readonly run: () => never;
}

/** The rules of RPCs in front of routes: POST, at each RPC's own path, at every door of plain HTTP. */
export function openRouteDoors(routes: Routes): Promise<RouteDoors> {
  return allOrNone(async (atEnd) => {
    const servers = await Promise.all([onNode(routes), onExpress(routes)].map(listening));
    atEnd(() => Promise.all(servers.map(closed)));
    const app = await onFastify(routes);
    atEnd(() => app.close());
    const [node = "", ofExpress = ""] = servers.map(addressOf);
    return {
      doors: {
        "node:http": overHttp(node),
        Express: overHttp(ofExpress),
        Fastify: overHttp(await app.listen({ port: 0, host: "127.0.0.1" })),
        fetch: inProcess(onFetch(routes)),
        Hono: inProcess(onHono(routes)),
      },
    };
  });
}

function onNode({ auth, rules, run }: Routes): Server {
  const routes = [...rules].map(([path, rule]) => [`POST ${path}`, { guards: [rule] as const, handle: run }]);
  return createServer(nodeAuth(auth()).listener(Object.fromEntries(routes)));
}

function onFetch({ auth, rules, run }: Routes): (request: Request) => Promise<Response> {
  const routes = [...rules].map(([path, rule]) => [`POST ${path}`, { guards: [rule] as const, handle: run }]);
  return fetchAuth(auth()).handler(Object.fromEntries(routes));
}

function onExpress({ auth, rules, run }: Routes): Server {
  const guard = expressAuth(auth());
  const api = guard.router();
  for (const [path, rule] of rules) api.post(path, { guards: [rule] }, run);
  return createServer(guard.listener(express().use(api)));
}

function onHono({ auth, rules, run }: Routes): (request: Request) => Promise<Response> {
  const guard = honoAuth(auth());
  const app = new Hono();
  for (const [path, rule] of rules) app.post(path, guard.route({ guards: [rule] }), run);
  return guard.protect(app).fetch;
}

async function onFastify({ auth, rules, run }: Routes) {
  const guard = fastifyAuth(auth());
  const app = fastify();
  await app.register(guard.plugin);
  for (const [path, rule] of rules) app.post(path, guard.rule({ guards: [rule] }), run);
  return app;
}

function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()).closeAllConnections());
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function overHttp(base: string): Ask {
  return (path, credential) => {
    const headers = { "content-type": "application/json", ...headersOf(credential) };
    return fetch(`${base}${path}`, { method: "POST", headers, body: "{}" });
  };
}

function inProcess(handle: (request: Request) => Promise<Response>): Ask {
  return (path, credential) =>
    handle(new Request(`http://127.0.0.1${path}`, { method: "POST", headers: headersOf(credential) }));
}
