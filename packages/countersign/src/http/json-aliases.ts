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
import { discard } from "./discard.ts";
import { followResponse } from "./follow-response.ts";
import { HttpCall } from "./http-call.ts";
import { readJsonBody } from "./json-body.ts";
import { denialError, failureError, type JsonError, plainError, thrownError, toldBy } from "./json-error.ts";

export interface JsonAliasesOptions {
  /** Where `context.user()` reads the caller's account. */
  readonly users?: UserSource;
  /** Bytes of a body that are read. Default: 65,536. */
  readonly maxBytes?: number;
  /** Told of what a handler threw that was not meant for the caller. */
  readonly onError: (error: unknown, procedure: string) => void;
}

/** A path that stands for a unary RPC, with bodies of its own. */
export interface JsonAlias {
  readonly method: DescMethodUnary;
  /** What serves the method's service at every other door, too. */
  readonly handlers: ServiceHandlers<DescService>;
  /** The request's JSON, from the body of this path. */
  readonly toRequest: (body: Readonly<Record<string, unknown>>) => JsonValue;
  /**
   * The body of this path, from the response's JSON with the proto's field names. Headers of the answer may be added to
   * `headers`, by names in lower case.
   */
  readonly toResponse: (
    response: Readonly<Record<string, JsonValue>>,
    headers: Record<string, string>,
  ) => unknown;
}

interface Route extends Omit<JsonAlias, "handlers"> {
  readonly procedure: string;
  readonly handler: (request: unknown, context: CallContext) => unknown;
}

/**
 * Unary RPCs at paths that older clients know: `POST` with JSON, under the rule of the RPC that a path stands for. The
 * decision is made before the body is read.
 */
export class JsonAliases<P extends Principal = Principal> {
  readonly #auth: Auth<P>;
  readonly #options: JsonAliasesOptions;
  readonly #routes = new Map<string, Route>();

  constructor(auth: Auth<P>, options: JsonAliasesOptions) {
    this.#auth = auth;
    this.#options = options;
  }

  /** Throws a `TypeError` for an RPC that has no handler or no rule. */
  add(path: string, { method, handlers, toRequest, toResponse }: JsonAlias): void {
    const procedure = `/${method.parent.typeName}/${method.name}`;
    const handler = handlers[method.localName] as Route["handler"] | undefined;
    if (typeof handler !== "function")
      throw new TypeError(`${path} stands for ${procedure}, which has no handler`);
    this.#auth.serve([procedure], { decoded: [procedure] });
    this.#routes.set(path, { method, procedure, handler: handler.bind(handlers), toRequest, toResponse });
  }

  /** Answers a request for one of its paths. False: it is none of them, and nothing was done. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const route = this.#routes.get((request.url ?? "").split("?", 1)[0] ?? "");
    if (route === undefined) return false;
    void this.#answer(route, request, response);
    return true;
  }

  async #answer(route: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, procedure } = route;
    const call = new HttpCall("http", procedure, request);
    const followed = followResponse(this.#auth, call, response);
    const fail = (error: JsonError): void => {
      followed?.end(...toldBy(error));
      sendError(request, response, error);
    };
    try {
      const decision = await this.#auth.decide(call);
      followed?.decided(decision);
      if (!decision.ok) return fail(denialError(decision.denial));
      if (request.method !== "POST") return fail(methodNotAllowed);
      const body = await readJsonBody(request, this.#options.maxBytes ?? 65_536);
      if (!body.ok) return fail(body.error);
      const message = readMessage(route, body.value);
      if (message === undefined) return fail(notTheRequest(method));
      followed?.receivedMessage();
      const judged = await this.#auth.judgeRequest(call, decision, message);
      followed?.decided(judged);
      if (!judged.ok) return fail(denialError(judged.denial));
      const context = new CallContext(call, judged, this.#options.users);
      const result = await runInCall(context as CallContext, () =>
        route.handler(message, context as CallContext),
      );
      const headers: Record<string, string> = {};
      const answer = writeMessage(route, result, headers);
      followed?.answered();
      send(response, 200, headers, answer);
    } catch (thrown) {
      // Nobody is left to tell, and nothing has failed here: the caller hung up before it had said everything.
      if (request.destroyed && !request.complete) return;
      fail(this.#failure(thrown, procedure));
    }
  }

  #failure(thrown: unknown, procedure: string): JsonError {
    const known = thrownError(thrown);
    if (known !== undefined) return known;
    this.#options.onError(thrown, procedure);
    return failureError(thrown);
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

function readMessage({ method, toRequest }: Route, body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  try {
    return fromJson(method.input, toRequest(body as Record<string, unknown>));
  } catch {
    // Its text quotes what was sent, and that may be a password.
    return undefined;
  }
}

function writeMessage(
  { method, toResponse }: Route,
  answer: unknown,
  headers: Record<string, string>,
): unknown {
  const message = create(method.output, answer as MessageInitShape<DescMessage>);
  const json = toJson(method.output, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
  return toResponse(json as Readonly<Record<string, JsonValue>>, headers);
}

function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: JsonError,
): void {
  if (!request.complete) discard(request);
  send(response, status, headers, body);
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
