import type { IncomingMessage, ServerResponse } from "node:http";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type DescService,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { CallContext, runInCall } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { UserSource } from "../core/user.ts";
import { HttpCall } from "./http-call.ts";
import { readJsonBody } from "./json-body.ts";
import { denialError, type JsonError, plainError, thrownError } from "./json-error.ts";

export interface JsonServicesOptions {
  /** Where `context.user()` reads the caller's account. */
  readonly users?: UserSource;
  /** Bytes of a body that are read. Default: 65,536. */
  readonly maxBytes?: number;
  /** Told of what a handler threw that was not meant for the caller. */
  readonly onError: (error: unknown, procedure: string) => void;
}

/** A path that stands for an RPC, with bodies of its own. */
export interface JsonAlias {
  readonly procedure: string;
  /** The request's JSON, from the body of this path. */
  readonly toRequest: (body: Readonly<Record<string, unknown>>) => JsonValue;
  /** The body of this path, from the response's JSON with the proto's field names. */
  readonly toResponse: (response: Readonly<Record<string, JsonValue>>) => unknown;
}

interface Method {
  readonly descriptor: DescMethodUnary;
  readonly handler: (request: unknown, context: CallContext) => unknown;
}

/**
 * Unary RPCs over HTTP, as `POST /package.Service/Method` with JSON: the unary half of the Connect protocol. The
 * decision is made before the body is read.
 */
export class JsonServices<P extends Principal = Principal> {
  readonly #auth: Auth<P>;
  readonly #options: JsonServicesOptions;
  readonly #methods = new Map<string, Method>();
  readonly #aliases = new Map<string, JsonAlias>();

  constructor(auth: Auth<P>, options: JsonServicesOptions) {
    this.#auth = auth;
    this.#options = options;
  }

  /** Throws a `TypeError` that names the RPCs for which there is no rule. */
  add<S extends DescService>(service: S, handlers: ServiceHandlers<S>): void {
    for (const method of service.methods) {
      const handler = handlers[method.localName as keyof ServiceHandlers<S>];
      if (method.methodKind !== "unary" || typeof handler !== "function") continue;
      const bound = (handler as Method["handler"]).bind(handlers);
      this.#methods.set(`/${service.typeName}/${method.name}`, {
        descriptor: method as DescMethodUnary,
        handler: bound,
      });
    }
    const procedures = [...this.#methods.keys()];
    this.#auth.serve(procedures, { decoded: procedures });
  }

  /** Another path for an RPC that was added. */
  alias(path: string, alias: JsonAlias): void {
    if (!this.#methods.has(alias.procedure))
      throw new TypeError(`${path} stands for ${alias.procedure}, which is not served`);
    this.#aliases.set(path, alias);
  }

  /** Answers a request for one of its paths. False: it is none of them, and nothing was done. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const alias = this.#aliases.get(path);
    const procedure = alias?.procedure ?? path;
    const method = this.#methods.get(procedure);
    if (method === undefined) return false;
    void this.#answer(procedure, method, alias, request, response);
    return true;
  }

  async #answer(
    procedure: string,
    method: Method,
    alias: JsonAlias | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const call = new HttpCall(alias === undefined ? "connect" : "http", procedure, request);
      const decision = await this.#auth.decide(call);
      if (!decision.ok) return sendError(request, response, denialError(decision.denial));
      if (request.method !== "POST") return sendError(request, response, methodNotAllowed);
      const body = await readJsonBody(request, this.#options.maxBytes ?? 65_536);
      if (!body.ok) return sendError(request, response, body.error);
      const message = readMessage(method.descriptor, alias, body.value);
      if (message === undefined) return sendError(request, response, notTheRequest(method.descriptor));
      const judged = await this.#auth.judgeRequest(call, decision, message);
      if (!judged.ok) return sendError(request, response, denialError(judged.denial));
      const context = new CallContext(call, judged, this.#options.users);
      const answer = await runInCall(context as CallContext, () =>
        method.handler(message, context as CallContext),
      );
      send(response, 200, {}, writeMessage(method.descriptor, alias, answer));
    } catch (thrown) {
      // Nobody is left to tell, and nothing has failed here: the caller hung up before it had said everything.
      if (request.destroyed && !request.complete) return;
      sendError(request, response, this.#failure(thrown, procedure));
    }
  }

  #failure(thrown: unknown, procedure: string): JsonError {
    const known = thrownError(thrown);
    if (known !== undefined) return known;
    this.#options.onError(thrown, procedure);
    return plainError(500, "internal", "Internal error");
  }
}

const methodNotAllowed: JsonError = {
  ...plainError(405, "unimplemented", "Use POST"),
  headers: { allow: "POST" },
};

function notTheRequest({ input }: DescMethodUnary): JsonError {
  const fields = input.fields.map(({ name }) => name).join(", ");
  return plainError(
    400,
    "invalid_argument",
    `The body is not a ${input.name}; its fields are: ${fields || "none"}`,
  );
}

function readMessage(method: DescMethodUnary, alias: JsonAlias | undefined, body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  try {
    const json = alias === undefined ? (body as JsonValue) : alias.toRequest(body as Record<string, unknown>);
    return fromJson(method.input, json);
  } catch {
    // Its text quotes what was sent, and that may be a password.
    return undefined;
  }
}

function writeMessage(method: DescMethodUnary, alias: JsonAlias | undefined, answer: unknown): unknown {
  const message = create(method.output, answer as MessageInitShape<DescMessage>);
  const json = toJson(method.output, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
  return alias === undefined ? json : alias.toResponse(json as Readonly<Record<string, JsonValue>>);
}

function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: JsonError,
): void {
  if (!request.complete) discard(request);
  send(response, status, headers, body);
}

/** How much of a body that nobody wants is let in, and for how long. */
const discarded = { bytes: 16 * 1024 * 1024, ms: 5000 } as const;

/**
 * Most clients read no answer before they have sent everything, and lose it if the connection is closed under them: so
 * the rest is taken and thrown away, within reason.
 */
function discard(request: IncomingMessage): void {
  const hangUp = (): void => void request.socket.destroy();
  const timer = setTimeout(hangUp, discarded.ms).unref();
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > discarded.bytes) hangUp();
  });
  request.on("error", () => {});
  request.once("close", () => clearTimeout(timer));
}

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | readonly string[]>>,
  body: unknown,
): void {
  if (response.headersSent || response.destroyed) return;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": bytes.length,
    "cache-control": "no-store",
  });
  response.end(bytes);
}
