import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request as sendPlain } from "node:http";
import { request as sendTls } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { ProxyServer } from "../tools/local-proxy.ts";
import { freePort } from "../tools/local-server.ts";
import { Administrator } from "./cast.ts";
import type { Client, ClientTls, Header, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { http } from "./door.ts";
import { listening } from "./doors/listening.ts";
import { outsidePolicy, outsideServer } from "./outside.ts";
import type { Json } from "./protos.ts";
import { scratchFolder } from "./scratch.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { startUsersService } from "./services/users-service.ts";

/** Where a proxy listens, and what is behind it: `127.0.0.1:PORT`. */
export interface Places {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** The HTTP side. */
  readonly countersign: string;
  readonly grpcService: string;
  readonly httpService: string;
}

/** A request of HTTP/1.1 as it is to be sent, name and value in turn, and how it was answered. */
export interface HttpRequest {
  readonly method?: string;
  readonly headers?: readonly string[];
  /** Sent in chunks. */
  readonly body?: string;
  readonly trailers?: readonly [name: string, value: string][];
}
export interface HttpAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly json: Json;
}

/** What a service of plain HTTP was sent: names and values in turn. */
interface Received {
  readonly url: string;
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
}

/** A proxy before a gRPC service in Python and a service of plain HTTP, and Countersign, which it asks. */
export interface ProxyStage {
  readonly server: ServerProcess;
  readonly administrator: Administrator;
  /** Of the accounts, by username. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Connected to the proxy. */
  readonly clients: readonly (readonly [name: string, client: Client])[];
  /** Where the proxy listens for gRPC. */
  readonly grpc: string;
  /** Undefined where it listens in plain text. */
  readonly tls: ClientTls | undefined;
  /** What the HTTP service was sent, the latest last. */
  readonly received: readonly Received[];
  /** Asks the proxy by HTTP. */
  ask(path: string, request?: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/** `tls`: what callers trust the proxy by, where it does not listen in plain text. */
export async function openProxyStage(
  start: (places: Places) => Promise<ProxyServer>,
  tls?: ClientTls,
): Promise<ProxyStage> {
  const ends: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const end of ends.reverse()) await end();
  };
  try {
    return { ...(await open(start, ends, tls)), close };
  } catch (error) {
    // What was started would keep this process alive.
    await close();
    throw error;
  }
}

/** `ends` gets the end of everything that was started. */
async function open(
  start: (places: Places) => Promise<ProxyServer>,
  ends: (() => unknown)[],
  tls: ClientTls | undefined,
): Promise<Omit<ProxyStage, "close">> {
  const policy = join(scratchFolder(), "policy.yaml");
  writeFileSync(policy, outsidePolicy);
  const upstreams = "  upstreams: { users: { methods: [/api.users.UserService/*] }, reports: {} }";
  const server = await startServer({ ...outsideServer(policy, upstreams), signing: "managed" });
  ends.push(() => server.stop());
  const users = await startUsersService(`http://${server.http}/.well-known/jwks.json`, "users");
  ends.push(() => users.close());
  const reports = await openReports();
  ends.push(() => reports.close());
  const [grpcPort, httpPort] = await Promise.all([freePort(), freePort()]);
  const behind = { grpcService: users.address, httpService: reports.address };
  const proxy = await start({ grpcPort, httpPort, countersign: server.http, ...behind });
  ends.push(() => proxy.stop());
  const grpc = `127.0.0.1:${grpcPort}`;
  const clients = await Promise.all(
    [python, grpcJs].map(async (kind) => [kind.name, await kind.connect(grpc, tls)] as const),
  );
  ends.push(() => Promise.all(clients.map(([, client]) => client.close())));
  const tokens = await logInAll(server);
  const administrator = await Administrator.with(server, tokens["admin"] ?? "");
  ends.push(() => administrator.close());
  return {
    ...{ server, administrator, tokens, clients, grpc, tls, received: reports.received },
    ask: (path, request = {}) => ask({ port: httpPort, tls }, path, request),
  };
}

async function logInAll(server: ServerProcess): Promise<Readonly<Record<string, string>>> {
  const tokens: Record<string, string> = {};
  for (const { username, password } of server.users) {
    const { json } = await http(server, "/auth.v1.AuthService/Login", { body: { username, password } });
    tokens[username] = String(json["access_token"]);
  }
  return tokens;
}

async function openReports() {
  const received: Received[] = [];
  const service = createServer(async (request, response) => {
    await text(request);
    received.push({
      url: request.url ?? "",
      headers: request.rawHeaders,
      trailers: request.rawTrailers,
    });
    response.end(JSON.stringify({ url: request.url }));
  });
  const address = await listening(service);
  const close = (): void => void service.close().closeAllConnections();
  return { received, address, close };
}

async function ask(
  { port, tls }: { readonly port: number; readonly tls: ClientTls | undefined },
  path: string,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const { method = "GET", headers = [], body, trailers = [] } = request;
  const all = ["host", "reports.example.com", ...headers];
  if (body !== undefined) all.push("transfer-encoding", "chunked");
  const options = { host: "127.0.0.1", port, method, path, agent: false as const };
  const sent = { ...options, headers: all as never };
  const asking = tls === undefined ? sendPlain(sent) : sendTls({ ...sent, ...trusting(tls) });
  if (body !== undefined) asking.write(body);
  if (trailers.length > 0) asking.addTrailers(trailers);
  asking.end();
  const [answer] = (await once(asking, "response")) as [IncomingMessage];
  const content = await text(answer);
  const isJson = answer.headers["content-type"] === "application/json" || content.startsWith("{");
  return {
    status: answer.statusCode,
    headers: answer.headers,
    json: isJson ? (JSON.parse(content) as Json) : {},
  };
}

/** By the proxy's address, whatever Host a request has. */
const trusting = ({ authority }: ClientTls) => ({ ca: readFileSync(authority), servername: "" });

/** Python's. */
export function firstClient({ clients: [first] }: ProxyStage): Client {
  if (first === undefined) throw new Error("no clients");
  return first[1];
}

export const users = "/api.users.UserService";

export const call = (
  client: Client,
  name: string,
  headers: readonly Header[],
  request = {},
): Promise<Outcome> => client.call({ procedure: `${users}/${name}`, requests: [request], headers });

/** The code and the reason; for a call that went well whom the service took its caller for. */
export async function says(outcome: Promise<Outcome>): Promise<readonly unknown[]> {
  const { code, reason, message, answers } = await outcome;
  const [answer = {}] = answers;
  const first = (answer["users"] as readonly Record<string, unknown>[] | undefined)?.[0] ?? answer;
  if (code === 0) return ["ok", first["requested_by"] ?? ""];
  return [code, reason, message];
}

export function key(value: string): readonly Header[] {
  return [["x-api-key", value]];
}

export const identityName = "x-countersign-identity";

/** The values of a header in a list of names and values, however its name is spelt. `name`: as `plainName()` has it. */
export function valuesOf(list: readonly string[] = [], name: string): readonly string[] {
  return list.filter((_text, at) => at % 2 === 1 && plainName(list[at - 1] ?? "") === name);
}

/** As CGI, WSGI and PHP read a name. */
export const plainName = (name: string): string => name.toLowerCase().replaceAll("_", "-");
