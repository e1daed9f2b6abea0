import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { create, createFileRegistry, type Message } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  type ConnectNodeAdapterOptions,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { type Auth, type AuthOptions, createAuth } from "../core/auth.ts";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { policyFor, type Rule } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { UserAccount } from "../core/user.ts";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { type ConnectAuth, type ConnectAuthOptions, connectAuth } from "./connect-auth.ts";
import { implement } from "./implement.ts";
import { type ConnectListenerOptions, connectListener } from "./node/listener.ts";

const line = ".t.Line";
const method = (name: string, clientStreaming: boolean, serverStreaming: boolean) => ({
  name,
  inputType: line,
  outputType: line,
  clientStreaming,
  serverStreaming,
});
const field = (name: string, jsonName: string, number: number, type: number) => ({
  name,
  jsonName,
  number,
  type,
  label: 1,
});

const file = create(FileDescriptorProtoSchema, {
  name: "echo.proto",
  package: "t",
  syntax: "proto3",
  messageType: [
    {
      name: "Line",
      field: [field("say", "say", 1, 9), field("said_by", "saidBy", 2, 9), field("count", "count", 3, 3)],
    },
  ],
  service: [
    {
      name: "Echo",
      method: [
        method("Unary", false, false),
        method("Upload", true, false),
        method("Download", false, true),
        method("Chat", true, true),
        {
          ...method("Read", false, false),
          options: { idempotencyLevel: MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS },
        },
      ],
    },
  ],
});
const found = createFileRegistry(file, () => undefined).getService("t.Echo");
assert.ok(found);
/** One method of each kind, and one that may be called with GET. */
export const echo = found;

/** A message of the service. */
export interface Line extends Message {
  say: string;
  saidBy: string;
  count: bigint;
}
export type Kind = "unary" | "upload" | "download" | "chat";
export const kinds: readonly Kind[] = ["unary", "upload", "download", "chat"];

/** `x-user: NAME` is a credential of user NAME until it is revoked; "bad" is none of anybody. */
export const byUser = fakeAuthenticator(
  (value, { revocations }) => {
    if (value === "bad" || value.includes(",")) return undefined;
    if (revocations.check({ userId: value }, revocations.version) !== "good") return deny("USER_DISABLED");
    return allow(principal({ userId: value, isStaff: value === "staff" }), "fake");
  },
  { header: "x-user" },
);

export interface EchoOptions {
  readonly rule?: Rule<Principal>;
  readonly auth?: Partial<AuthOptions<Principal>>;
  /** Stands between the guard and its `Auth`. */
  readonly wrap?: (auth: Auth<Principal>) => Auth<Principal>;
  readonly guard?: ConnectAuthOptions<UserAccount>;
  readonly adapter?: Omit<ConnectListenerOptions, "routes">;
  /** Handlers that know no transport; or routes of the test's own. */
  readonly handlers?: Readonly<Record<string, unknown>>;
  readonly routes?: (guard: ConnectAuth<Principal, UserAccount>) => ConnectNodeAdapterOptions["routes"];
}

/** Clients of one server, one for each way in. */
export const doors = {
  "Connect JSON": (ports: Ports, interceptors: Interceptor[]) =>
    createConnectTransport({ baseUrl: ports.http2, httpVersion: "2", useBinaryFormat: false, interceptors }),
  "Connect binary": (ports: Ports, interceptors: Interceptor[]) =>
    createConnectTransport({ baseUrl: ports.http2, httpVersion: "2", useBinaryFormat: true, interceptors }),
  "gRPC-Web": (ports: Ports, interceptors: Interceptor[]) =>
    createGrpcWebTransport({ baseUrl: ports.http2, httpVersion: "2", interceptors }),
  gRPC: (ports: Ports, interceptors: Interceptor[]) =>
    createGrpcTransport({ baseUrl: ports.http2, interceptors }),
  "Connect JSON over HTTP/1.1": (ports: Ports, interceptors: Interceptor[]) =>
    createConnectTransport({ baseUrl: ports.http, httpVersion: "1.1", useBinaryFormat: false, interceptors }),
  "gRPC-Web over HTTP/1.1": (ports: Ports, interceptors: Interceptor[]) =>
    createGrpcWebTransport({ baseUrl: ports.http, httpVersion: "1.1", interceptors }),
} as const satisfies Record<string, (ports: Ports, interceptors: Interceptor[]) => Transport>;
export type Door = keyof typeof doors;
export const doorNames = Object.keys(doors) as Door[];

/** Bidirectional streams need HTTP/2. */
export const kindsOf = (door: Door): readonly Kind[] =>
  door.endsWith("1.1") ? kinds.filter((kind) => kind !== "chat") : kinds;

export interface Ports {
  /** Origins of the same handlers over HTTP/1.1 and over HTTP/2 without TLS. */
  readonly http: string;
  readonly http2: string;
}

export interface Outcome {
  readonly code: number;
  readonly message: string;
  readonly reason: string | undefined;
  readonly metadata: Headers;
  readonly error: ConnectError | undefined;
  readonly says: readonly string[];
}

export interface Echo extends Ports {
  readonly auth: Auth<Principal>;
  readonly guard: ConnectAuth<Principal, UserAccount>;
  readonly revocations: ReturnType<typeof createRevocations>;
  /** What was reported to `onError`. */
  readonly failures: unknown[];
  call(door: Door, kind: string, headers: Readonly<Record<string, string>>, given?: Given): Promise<Outcome>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Given {
  readonly texts?: readonly string[];
  /** The sending side of a stream stays open until this settles. */
  readonly until?: Promise<unknown>;
  readonly onLine?: (line: Line) => void;
  readonly signal?: AbortSignal;
}

/** The same guarded routes on HTTP/1.1 and on HTTP/2. */
export async function startEcho(options: EchoOptions): Promise<Echo> {
  const { rule = "authenticated", handlers = repeating } = options;
  const revocations = createRevocations();
  const rules = { unary: rule, upload: rule, download: rule, chat: rule, read: rule };
  const policy = [policyFor<Principal>().rules(echo, rules)];
  const auth = createAuth<Principal>({ authenticators: [byUser], policy, revocations, ...options.auth });
  const failures: unknown[] = [];
  const guard = connectAuth<Principal>(options.wrap?.(auth) ?? auth, {
    onError: (error) => failures.push(error),
    ...options.guard,
  });
  const routes =
    options.routes?.(guard) ??
    ((router) => router.service(echo, implement(echo, handlers as ServiceHandlers<typeof echo>)));
  const listener = connectListener(guard, { ...options.adapter, routes });
  const http = createServer(listener);
  const http2 = createHttp2Server(listener as (request: Http2ServerRequest, response: unknown) => void);
  const sessions = new Set<ServerHttp2Session>();
  http2.on("session", (session) => sessions.add(session));
  const [httpPort, http2Port] = [await listening(http), await listening(http2)];
  const ports = { http: `http://127.0.0.1:${httpPort}`, http2: `http://127.0.0.1:${http2Port}` };
  return {
    ...ports,
    auth,
    guard,
    revocations,
    failures,
    call: (door, kind, headers, given) => call(doors[door](ports, [sending(headers)]), kind, given),
    async [Symbol.asyncDispose]() {
      http.close();
      http.closeAllConnections();
      http2.close();
      for (const session of sessions) session.destroy();
      await turn();
    },
  };
}

/** Says what it hears, and who said it. */
export const repeating = {
  unary: ({ say }: Line, { principal: caller }: { principal?: Principal }) => ({
    say,
    saidBy: caller?.userId,
  }),
  read: ({ say }: Line, { principal: caller }: { principal?: Principal }) => ({
    say,
    saidBy: caller?.userId,
  }),
  async upload(lines: AsyncIterable<Line>, { principal: caller }: { principal?: Principal }) {
    let all = "";
    for await (const { say } of lines) all += say;
    return { say: all, saidBy: caller?.userId };
  },
  async *download({ say }: Line, { principal: caller }: { principal?: Principal }) {
    for (const letter of say) yield { say: letter, saidBy: caller?.userId };
  },
  async *chat(lines: AsyncIterable<Line>, { principal: caller }: { principal?: Principal }) {
    for await (const { say } of lines) yield { say, saidBy: caller?.userId };
  },
};

async function listening(
  server: ReturnType<typeof createServer> | ReturnType<typeof createHttp2Server>,
): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function sending(headers: Readonly<Record<string, string>>): Interceptor {
  return (next) => (request) => {
    for (const [name, value] of Object.entries(headers)) request.header.append(name, value);
    return next(request);
  };
}

type AnyMethod = (input: unknown, options: object) => Promise<Line> & AsyncIterable<Line>;

/** One call through a transport of the test's own. */
export async function call(transport: Transport, kind: string, given: Given = {}): Promise<Outcome> {
  const { texts = ["hello"], until: open, onLine, signal } = given;
  const client = createClient(echo, transport) as unknown as Readonly<Record<string, AnyMethod>>;
  const says: string[] = [];
  const receive = (answer: Line): void => {
    says.push(`${answer.say} ${answer.saidBy}`);
    onLine?.(answer);
  };
  async function* lines() {
    for (const say of texts) yield { say };
    await open;
  }
  const input = kind === "upload" || kind === "chat" ? lines() : { say: texts[0] };
  const options = { timeoutMs: 20_000, ...(signal !== undefined && { signal }) };
  try {
    const answer = client[kind]?.(input, options);
    if (kind === "download" || kind === "chat") for await (const each of answer ?? []) receive(each);
    else receive((await answer) as Line);
    return { code: 0, message: "", reason: undefined, metadata: new Headers(), error: undefined, says };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const [info] = error.findDetails(ErrorInfoSchema);
    return {
      code: error.code,
      message: error.rawMessage,
      reason: info?.reason,
      metadata: error.metadata,
      error,
      says,
    };
  }
}

export { until } from "../core/until.suite.ts";
