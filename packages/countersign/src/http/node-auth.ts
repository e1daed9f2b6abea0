import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteRule } from "../core/route-rule.ts";
import type { UserAccount } from "../core/user.ts";
import { cancelled, followAnswer } from "./follow-response.ts";
import { HttpCall, type NodeRequest } from "./http-call.ts";
import { type HttpAuthOptions, HttpDoor } from "./http-door.ts";
import { denialError, type JsonError, malformedTarget, notServed } from "./json-error.ts";
import { cutOff, type NodeResponse, sendError } from "./node-answer.ts";
import { answerFirst } from "./node-first.ts";
import { pathOf } from "./node-target.ts";
import { refuseUpgrade } from "./node-upgrade.ts";
import { type RouteParams, RouteTable } from "./route-table.ts";
import { watchUntilClosed } from "./until-closed.ts";

/** Answers an admitted request. What it throws is answered, or hidden and reported. */
export type NodeHandler<P extends Principal, U extends UserAccount> = (
  request: IncomingMessage,
  response: NodeResponse,
  context: CallContext<P, U>,
  params: RouteParams,
) => unknown;

/** Takes over the connection of an admitted request, for WebSockets and the like. */
export type UpgradeHandler<P extends Principal, U extends UserAccount> = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  context: CallContext<P, U>,
) => unknown;

/** A rule, and what is behind it. */
export interface NodeRoute<H, P extends Principal> extends RouteRule<P> {
  readonly handle: H;
}

type Routes<H, P extends Principal> = Readonly<Record<string, NodeRoute<H, P>>>;

/** Authentication for servers of `node:http`, `node:https` and `node:http2`. */
export interface NodeAuth<P extends Principal, U extends UserAccount> {
  /**
   * Guarded routes, by `METHOD /path/:name`, as a listener: `http.createServer(guard.listener(routes))`. Throws a `TypeError`
   * that names a route for which there is no rule. HEAD is answered as GET, and any other method refused.
   */
  listener(routes: Routes<NodeHandler<P, U>, P>): (request: NodeRequest, response: NodeResponse) => void;
  /**
   * The same for requests to change the protocol: `server.on("upgrade", guard.upgrade(routes))`. The connection is closed when
   * its caller no longer may. Without it Node takes such a request for an ordinary one.
   */
  upgrade(
    routes: Routes<UpgradeHandler<P, U>, P>,
  ): (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** The context of a request, inside its handler. */
  context(request: IncomingMessage): CallContext<P, U>;
  /** The caller. Undefined where the rule let an anonymous call through. */
  principal(request: IncomingMessage): P | undefined;
}

/** Guards a server of Node's with an `Auth`. */
export function nodeAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: HttpAuthOptions<P, U> = {},
): NodeAuth<P, U> {
  const door = new HttpDoor<P, U>(auth, options);

  function tableOf<H>(routes: Routes<H, P>): RouteTable<readonly [string, H]> {
    const table = new RouteTable<readonly [string, H]>();
    for (const [name, { handle, ...rule }] of Object.entries(routes)) {
      table.add(name, [name, handle]);
      door.declare(name, rule);
    }
    return table;
  }

  return Object.freeze({
    context: (request: IncomingMessage) => door.context(request),
    principal: (request: IncomingMessage) => door.context(request).principal,
    listener(routes: Routes<NodeHandler<P, U>, P>) {
      const table = tableOf(routes);
      return (request: NodeRequest, response: NodeResponse) => {
        if (answerFirst(door.cors, request, response)) return;
        const found = find(table, request);
        if (!found.ok) return sendError(request, response, found.error);
        void answer(door, found, request as IncomingMessage, response);
      };
    },
    upgrade(routes: Routes<UpgradeHandler<P, U>, P>) {
      const table = tableOf(routes);
      return (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        const found = find(table, request);
        if (!found.ok) return refuseUpgrade(socket, found.error);
        void upgrade(door, found, request, socket, head);
      };
    },
  });
}

interface Target<H> {
  readonly ok: true;
  readonly name: string;
  readonly handle: H;
  readonly params: RouteParams;
}

function find<H>(
  table: RouteTable<readonly [string, H]>,
  request: NodeRequest,
): Target<H> | { readonly ok: false; readonly error: JsonError } {
  const path = pathOf(request);
  if (path === undefined) return { ok: false, error: malformedTarget };
  const found = table.find(request.method ?? "", path);
  if (found.kind !== "route") return { ok: false, error: notServed(found) };
  const [name, handle] = found.value;
  return { ok: true, name, handle, params: found.params };
}

async function answer<P extends Principal, U extends UserAccount>(
  door: HttpDoor<P, U>,
  { name, handle, params }: Target<NodeHandler<P, U>>,
  request: IncomingMessage,
  response: NodeResponse,
): Promise<void> {
  try {
    const call = new HttpCall("http", name, request);
    followAnswer(door.follow(call, request), response);
    const admission = await door.admit(call, request);
    if (!admission.ok) return sendError(request, response, denialError(admission.denial));
    if (!watchUntilClosed(response, () => door.watch(admission, request, () => cutOff(response)))) return;
    const { context } = admission;
    await door.enter(admission, request, () => handle(request, response, context, params));
  } catch (thrown) {
    sendError(request, response, door.failure(thrown, name, request));
  }
}

async function upgrade<P extends Principal, U extends UserAccount>(
  door: HttpDoor<P, U>,
  { name, handle }: Target<UpgradeHandler<P, U>>,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  let isTaken = false;
  try {
    const call = new HttpCall("http", name, request);
    const followed = door.follow(call, request);
    // What is said on a connection that was taken over is not ours to judge.
    if (followed !== undefined) socket.once("close", () => followed.end(isTaken ? 0 : cancelled));
    const admission = await door.admit(call, request);
    if (!admission.ok) return refuseUpgrade(socket, denialError(admission.denial));
    const { context } = admission;
    if (!watchUntilClosed(socket, () => door.watch(admission, request, () => socket.destroy()))) return;
    isTaken = true;
    await door.enter(admission, request, () => handle(request, socket, head, context));
  } catch (thrown) {
    refuseUpgrade(socket, door.failure(thrown, name, request));
  }
}
