import type { IncomingMessage, ServerResponse } from "node:http";
import { CallContext, runInCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { denial } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { UserSource } from "../core/user.ts";
import { BasicCall, type BasicCredentials, basicCredentials, type KeyHeader } from "./basic-credentials.ts";
import { discard } from "./discard.ts";
import { readFormBody } from "./form-body.ts";
import { HttpCall } from "./http-call.ts";
import { deniedError, type OAuthError, requestError, thrownOAuthError } from "./oauth-error.ts";

export interface FormRoutesOptions {
  /** Where `context.user()` reads the caller's account. */
  readonly users?: UserSource;
  /** Bytes of a body that are read. Default: 16,384. */
  readonly maxBytes?: number;
  /** Callers may also come with HTTP Basic: the id of an API key, and the key. It is looked for as if it stood there. */
  readonly basicAs?: KeyHeader;
  /** Told of what a handler threw that was not meant for the caller. */
  readonly onError: (error: unknown, procedure: string) => void;
}

/** Answers a form with what becomes JSON; undefined for an empty answer. */
export type FormHandler = (form: ReadonlyMap<string, string>, context: CallContext) => Promise<unknown>;

/**
 * Forms that are sent by POST, as OAuth has them: guarded like every other call, as `POST /path`. The decision is made before
 * the body is read.
 */
export class FormRoutes<P extends Principal = Principal> {
  readonly #auth: Auth<P>;
  readonly #options: FormRoutesOptions;
  readonly #routes = new Map<string, FormHandler>();

  constructor(auth: Auth<P>, options: FormRoutesOptions) {
    this.#auth = auth;
    this.#options = options;
  }

  /** Throws a `TypeError` if there is no rule for `POST path`. */
  add(path: string, handler: FormHandler): void {
    this.#routes.set(path, handler);
    this.#auth.serve([`POST ${path}`]);
  }

  /** Answers a request for one of its paths. False: it is none of them, and nothing was done. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const handler = this.#routes.get(path);
    if (handler === undefined) return false;
    if (request.method === "POST") void this.#answer(`POST ${path}`, handler, request, response);
    else sendError(request, response, methodNotAllowed);
    return true;
  }

  async #answer(
    procedure: string,
    handler: FormHandler,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { basicAs, maxBytes = 16_384, users } = this.#options;
    try {
      const basic = basicAs && basicCredentials(request.headersDistinct["authorization"] ?? []);
      const call = this.#call(procedure, request, basic);
      const decision = await this.#auth.decide(call);
      const offered = basicAs === undefined ? [] : [basicChallenge];
      if (!decision.ok) return sendError(request, response, deniedError(decision.denial, offered));
      if (basic !== undefined && decision.principal?.apiKey?.id !== basic.clientId)
        return sendError(request, response, deniedError(denial("API_KEY_INVALID"), offered));
      const body = await readFormBody(request, maxBytes);
      if (!body.ok)
        return sendError(request, response, requestError(body.status, "invalid_request", body.message));
      const context = new CallContext(call, decision, users) as CallContext;
      send(response, 200, {}, await runInCall(context, () => handler(body.form, context)));
    } catch (thrown) {
      // Nobody is left to tell, and nothing has failed here: the caller hung up before it had said everything.
      if (request.destroyed && !request.complete) return;
      sendError(request, response, this.#failure(thrown, procedure));
    }
  }

  #call(procedure: string, request: IncomingMessage, basic: BasicCredentials | undefined): HttpCall {
    const { basicAs: key } = this.#options;
    if (basic === undefined || key === undefined) return new HttpCall("http", procedure, request);
    return new BasicCall(request, { procedure, key, secret: basic.secret });
  }

  #failure(thrown: unknown, procedure: string): OAuthError {
    const known = thrownOAuthError(thrown);
    if (known !== undefined) return known;
    this.#options.onError(thrown, procedure);
    return requestError(500, "server_error", "Internal error");
  }
}

const basicChallenge = 'Basic realm="countersign", charset="UTF-8"';

const methodNotAllowed: OAuthError = {
  ...requestError(405, "invalid_request", "Use POST"),
  headers: { allow: "POST" },
};

function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: OAuthError,
): void {
  if (!request.complete) discard(request);
  send(response, status, headers, body);
}

function send(response: ServerResponse, status: number, headers: OAuthError["headers"], body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const bytes = Buffer.from(body === undefined ? "" : `${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    ...(body !== undefined && { "content-type": "application/json" }),
    "content-length": bytes.length,
    // RFC 6749 section 5.1
    "cache-control": "no-store",
    pragma: "no-cache",
  });
  response.end(bytes);
}
