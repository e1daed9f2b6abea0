import { once } from "node:events";
import {
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { proxyKey } from "../outside.ts";
import { methodAt } from "../protos.ts";
import { listening } from "./listening.ts";
import { callerHeader, type OpenProxy } from "./proxy.ts";

/** What proto-loader makes of a `CheckResponse`. */
interface Checked {
  readonly status: { readonly code: number };
  readonly denied_response?: {
    readonly status: { readonly code: string };
    readonly headers: readonly HeaderOption[];
    readonly body: string;
  };
  readonly ok_response?: {
    readonly headers: readonly HeaderOption[];
    readonly headers_to_remove: readonly string[];
    readonly response_headers_to_add: readonly HeaderOption[];
  };
  readonly dynamic_metadata?: {
    readonly fields: Readonly<Record<string, { readonly stringValue?: string }>>;
  };
}

interface HeaderOption {
  readonly header: { readonly key: string; readonly value: string };
}

/** As in Envoy's enum. */
const statuses: Readonly<Record<string, number>> = {
  OK: 200,
  Unauthorized: 401,
  Forbidden: 403,
  TooManyRequests: 429,
  ServiceUnavailable: 503,
};

/**
 * HTTP/2 in clear, with the part of Envoy that asks `ext_authz`: headers are joined or, for every other call, sent as they came
 * (`encode_raw_headers`); headers are set, and then removed.
 */
export const openExtAuthz: OpenProxy = async ({ asked, behind }) => {
  const authority = new Client(asked.grpc, credentials.createInsecure());
  const service = connect(`http://${behind}`);
  const key = new Metadata();
  key.set("x-api-key", proxyKey);
  const { path, requestSerialize, responseDeserialize } = methodAt(
    "/envoy.service.auth.v3.Authorization/Check",
  );
  const check = (request: object): Promise<Checked> =>
    new Promise((resolve, reject) => {
      const deadline = { deadline: Date.now() + 5000 };
      authority.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        key,
        deadline,
        (error, answer) => (error === null ? resolve(answer as unknown as Checked) : reject(error)),
      );
    });
  let count = 0;
  const server = createServer();
  server.on("stream", (stream, headers, _flags, rawHeaders) => {
    // Whoever leaves in the middle has left.
    stream.on("error", () => {});
    const request = attributesOf(rawHeaders as unknown as string[], { raw: count++ % 2 === 1 });
    check(request).then(
      (answer) => {
        if (stream.destroyed) return;
        if (answer.status.code !== 0) refuse(stream, answer);
        else forward(stream, service.request(changed(headers, answer), { endStream: false }), answer);
      },
      // `failure_mode_allow: false`
      () => stream.respond({ ":status": 403 }, { endStream: true }),
    );
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  return {
    address: await listening(server),
    async close() {
      for (const session of [...sessions, service]) session.destroy();
      authority.close();
      server.close();
      await once(server, "close");
    },
  };
};

function attributesOf(rawHeaders: readonly string[], { raw }: { readonly raw: boolean }): object {
  const joined: Record<string, string> = {};
  const headers: { key: string; raw_value: string }[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    joined[name] = joined[name] === undefined ? value : `${joined[name]},${value}`;
    headers.push({ key: name, raw_value: Buffer.from(value, "latin1").toString("base64") });
  }
  const http = {
    method: joined[":method"],
    path: joined[":path"],
    host: joined[":authority"],
    ...(raw ? { header_map: { headers } } : { headers: joined }),
  };
  const address = { socket_address: { address: "127.0.0.1", port_value: 4711 } };
  return { attributes: { source: { address }, request: { http } } };
}

function changed(
  headers: IncomingHttpHeaders,
  { ok_response: ok, dynamic_metadata: metadata }: Checked,
): OutgoingHttpHeaders {
  const forwarded: OutgoingHttpHeaders = { ...headers };
  for (const { header } of ok?.headers ?? []) forwarded[header.key] = header.value;
  for (const name of ok?.headers_to_remove ?? []) delete forwarded[name];
  delete forwarded[callerHeader];
  const caller = metadata?.fields["user_id"]?.stringValue;
  return caller === undefined ? forwarded : { ...forwarded, [callerHeader]: caller };
}

function refuse(stream: ServerHttp2Stream, { denied_response: denied }: Checked): void {
  const headers: OutgoingHttpHeaders = { ":status": statuses[denied?.status.code ?? ""] ?? 403 };
  for (const { header } of denied?.headers ?? []) headers[header.key] = header.value;
  const body = denied?.body ?? "";
  stream.respond(headers, { endStream: body === "" });
  if (body !== "") stream.end(body);
  // RFC 9113 section 8.1: the rest of the request is not wanted.
  stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.resume();
}

function forward(
  stream: ServerHttp2Stream,
  upstream: ReturnType<ReturnType<typeof connect>["request"]>,
  answer: Checked,
): void {
  const added = (answer.ok_response?.response_headers_to_add ?? []).map(({ header }) => [
    header.key,
    header.value,
  ]);
  let trailers: IncomingHttpHeaders = {};
  upstream.on("error", () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  upstream.on("response", (headers, flags) => {
    if (stream.destroyed) return;
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond({ ...headers, ...Object.fromEntries(added) }, { endStream, waitForTrailers: !endStream });
    if (!endStream) upstream.pipe(stream);
  });
  upstream.on("trailers", (received) => (trailers = received));
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.pipe(upstream);
  stream.once("close", () => upstream.close(constants.NGHTTP2_CANCEL));
}
