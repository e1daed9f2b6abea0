import assert from "node:assert/strict";
import { once } from "node:events";
import { type CallContext, currentCall } from "../context/call-context.ts";
import { type Auth, type AuthOptions, createAuth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { CallError, Unavailable } from "../core/call-error.ts";
import { allow, type Decision, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { isAuthenticated, isStaff } from "../core/guards.ts";
import type { Principal } from "../core/principal.ts";
import { withRequest } from "../core/request-guard.ts";
import { createRevocations } from "../core/revocation.ts";
import type { RouteRule } from "../core/route-rule.ts";
import type { UserAccount } from "../core/user.ts";
import type { HttpAuthOptions, HttpMessage } from "./http-door.ts";

// What is behind every door of the suite, and who comes.

/** What a route of the suite is asked with. */
export interface Asked {
  readonly context: CallContext;
  readonly params: Readonly<Record<string, string | string[]>>;
}

/** A route as every adapter can serve it. */
export interface SuiteRoute extends RouteRule<Principal> {
  /** Answers with JSON; or with a stream, written as it comes. */
  readonly run: (asked: Asked) => unknown;
}

export interface DoorSetup {
  readonly auth: Auth<Principal>;
  readonly options: HttpAuthOptions<Principal, UserAccount>;
  /** By `METHOD /path/:name`. */
  readonly routes: Readonly<Record<string, SuiteRoute>>;
}

/** A server that is started, at `http://127.0.0.1:PORT`. */
export interface StartedDoor {
  readonly port: number;
  close(): unknown;
}

export interface DoorKind {
  readonly name: string;
  readonly start: (setup: DoorSetup) => Promise<StartedDoor>;
  /** Who hides what a handler throws that is not meant for the caller. Default: the door, which tells `onError`. */
  readonly hides?: "framework";
  /** Does it hand requests to rules that ask about them? */
  readonly decoded: boolean;
}

/** Resolves once somebody has left, and the door was told who it was. */
async function whenLeft(call: Call): Promise<Decision<Principal>> {
  const { signal } = call;
  waiting.add(call.procedure);
  if (!signal.aborted) await once(signal, "abort");
  waiting.delete(call.procedure);
  return allow(principal({ userId: "leaving" }), "fake");
}

/** Procedures that wait for their callers to leave. */
export const waiting = new Set<string>();

/** `x-user: NAME` is a credential of user NAME until it is revoked; "bad" is none of anybody. */
const byUser = fakeAuthenticator(
  (value, { revocations }, call) => {
    if (value === "leaving") return whenLeft(call);
    if (value === "" || value === "bad" || value.includes(",")) return undefined;
    if (value === "down") return Promise.reject(new Error("the store is away"));
    if (value === "limited") return deny("RATE_LIMITED", { retryAfterSeconds: 1.2 });
    if (revocations.check({ userId: value }, revocations.version) !== "good") return deny("USER_DISABLED");
    return allow(principal({ userId: value, isStaff: value === "staff" }), "fake");
  },
  { header: "x-user", challenge: 'Fake realm="suite"' },
);
const byKey = fakeAuthenticator(
  (value) => (value === "good" ? allow(principal({ userId: "machine" }), "key") : undefined),
  { name: "key", header: "x-suite-key", challenge: "Key", unrecognized: "API_KEY_INVALID" },
);

export const ran: string[] = [];
export const errors: unknown[] = [];
export const revocations = createRevocations();

export const who = ({ context }: Asked): unknown => {
  assert.equal(currentCall(), context);
  ran.push(context.call.procedure);
  return { caller: context.userId ?? null };
};

function fails({ context, params }: Asked): never {
  ran.push("fails");
  const { what } = params;
  if (what === "staff") context.requireStaff();
  if (what === "own") context.abortPermissionDenied("Not on Sundays");
  if (what === "call") throw new CallError("NOT_FOUND", "There is no such thing");
  if (what === "away") throw new Unavailable("secret");
  throw new Error("secret");
}

async function* endless(): AsyncIterable<string> {
  yield "first\n";
  await new Promise(() => {});
}

export const routes: DoorSetup["routes"] = {
  "GET /open": { guards: ["open"], run: who },
  "GET /maybe": { guards: ["optional"], run: who },
  "GET /me": { run: who },
  "GET /left": { run: who },
  "GET /later": {
    run: async (asked) => {
      await new Promise((resolve) => setImmediate(resolve));
      return who(asked);
    },
  },
  "GET /staff": { guards: [isStaff], run: who },
  "DELETE /users/:id": {
    guards: [isAuthenticated, isStaff],
    run: (asked) => ({ ...(who(asked) as object), id: asked.params["id"] }),
  },
  "POST /orders": { run: who },
  "GET /machines": { auth: [byKey], run: who },
  "GET /either": { auth: [byKey, byUser], run: who },
  "GET /fails/:what": { run: fails },
  "GET /broken": { guards: [() => Promise.reject(new Error("secret"))], run: who },
  "GET /stream": { run: endless },
};

export const owned: SuiteRoute = {
  guards: [
    isAuthenticated,
    withRequest<Principal, HttpMessage>(
      ({ userId }, { params, query, body }) =>
        params["id"] === userId &&
        query["q"] === "1" &&
        (body as { owner?: string } | undefined)?.owner === userId,
      { denialMessage: "Yours only" },
    ),
  ],
  run: who,
};

export const suiteAuth = (options: Partial<AuthOptions<Principal>> = {}): Auth<Principal> =>
  createAuth<Principal>({ authenticators: [byUser], policy: [], revocations, ...options });
