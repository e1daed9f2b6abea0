import type { IncomingMessage, ServerResponse } from "node:http";
import { CallContext, runInCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { type Allowed, type Decision, deny } from "../core/decision.ts";
import type { Reason } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { UserSource } from "../core/user.ts";
import { BasicCall, type BasicCredentials, basicCredentials, type KeyHeader } from "./basic-credentials.ts";
import { discard } from "./discard.ts";
import { followResponse, grpcCodeOf } from "./follow-response.ts";
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
    const basic = basicAs && basicCredentials(request.headersDistinct["authorization"] ?? []);
    const call = this.#call(procedure, request, basic);
    const followed = followResponse(this.#auth, call, response);
    const fail = (error: OAuthError): void => {
      followed?.end(grpcCodeOf(error.status), error.body["reason"] as Reason | undefined);
      sendError(request, response, error);
    };
    try {
      const decided = await this.#auth.decide(call);
      const decision = decided.ok ? ofClient(decided, basic) : decided;
      followed?.decided(decision);
      if (!decision.ok)
        return fail(deniedError(decision.denial, basicAs === undefined ? [] : [basicChallenge]));
      const body = await readFormBody(request, maxBytes);
      if (!body.ok) return fail(requestError(body.status, "invalid_request", body.message));
      followed?.receivedMessage();
      const context = new CallContext(call, decision, users) as CallContext;
      const answer = await runInCall(context, () => handler(body.form, context));
      followed?.answered();
      send(response, 200, {}, answer);
    } catch (thrown) {
      // Nobody is left to tell, and nothing has failed here: the caller hung up before it had said everything.
      if (request.destroyed && !request.complete) return;
      fail(this.#failure(thrown, procedure));
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

/** With HTTP Basic, the id has to be that of the key. */
function ofClient<P extends Principal>(
  admitted: Allowed<P>,
  basic: BasicCredentials | undefined,
): Decision<P> {
  const good = basic === undefined || admitted.principal?.apiKey?.id === basic.clientId;
  return good ? admitted : deny("API_KEY_INVALID");
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
