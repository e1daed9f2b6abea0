import type { IncomingMessage, ServerResponse } from "node:http";
import { type Auth, type Principal, Refusal } from "countersign";
import { AuthService } from "countersign/descriptors";
import type { HttpHandler } from "../listen/http.ts";
import { type AdminAssets, pageHeaders } from "./admin-assets.ts";
import { AdminCall } from "./admin-call.ts";
import { type AdminExport, type Downloader, exportBase } from "./admin-export.ts";
import { type AdminLogin, sessionPath } from "./admin-login.ts";
import {
  foreign,
  missing,
  noCredential,
  none,
  notAllowed,
  type PlainRefusal,
  refusalOf,
  refuse,
  staffOnly,
  unavailable,
  unknownPath,
} from "./admin-refusal.ts";
import type { AdminSession, AdminSessions } from "./admin-session.ts";
import { isSameOrigin } from "./same-origin.ts";

/** Where a kind of credential is read, and the word before it; empty for none. */
interface CredentialPlace {
  readonly header: string;
  readonly scheme: string;
}

export interface AdminDoorParts {
  readonly auth: Auth<Principal>;
  readonly assets: AdminAssets;
  readonly login: AdminLogin;
  readonly sessions: AdminSessions;
  readonly exports: AdminExport;
  /** Every RPC, at its own path: the UI has no API of its own. */
  readonly rpc: HttpHandler;
  readonly credentials: { readonly token: CredentialPlace; readonly api_key: CredentialPlace };
  readonly onError: (error: unknown, procedure: string) => void;
  /** What a page may show to who is logged in. */
  readonly about: Readonly<Record<string, unknown>>;
}

const base = "/admin/";
const rpcBase = "/admin/rpc/";
const tryBase = "/admin/try/";
const whoAmI = `/${AuthService.typeName}/WhoAmI`;

/** A page that keeps itself up to date says so: nobody is sitting before it because of that. */
const backgroundHeader = "x-countersign-background";
const tokenHeader = "x-csrf-token";
/** What a call below `/admin/try/` is to be made with: `token` or `api_key`, and the credential. Absent: nothing. */
const triedHeader = "x-try-credential";

/**
 * `/admin/`: the pages, logging in and out, and the RPCs with the session's credential in place of whatever the browser
 * sent. This is the only place that reads the cookie.
 */
export class AdminDoor {
  readonly #parts: AdminDoorParts;

  constructor(parts: AdminDoorParts) {
    this.#parts = parts;
  }

  readonly handle: HttpHandler = (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    if (path === "/admin") {
      response.writeHead(308, { location: base }).end();
      return true;
    }
    if (!path.startsWith(base)) return false;
    this.#answer(path, request, response).catch((thrown: unknown) => this.#fail(thrown, request, response));
    return true;
  };

  async #answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isSession = path === sessionPath;
    const isExport = path.startsWith(exportBase);
    if (!isSession && !isExport && !path.startsWith(rpcBase) && !path.startsWith(tryBase)) {
      if (request.method !== "GET" && request.method !== "HEAD") return refuse(request, response, notAllowed);
      return this.#parts.assets.answer(path.slice(base.length) || "index.html", request, response);
    }
    for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
    response.setHeader("cache-control", "no-store");
    if (isExport && request.method === "GET") return this.#save(path, request, response);
    // Also for reading: an answer is nobody's business but this page's.
    if (!isSameOrigin(request)) return refuse(request, response, foreign);
    if (isSession && request.method === "POST") return this.#parts.login.handle(request, response);
    const session = await this.#session(request, response, isSession);
    if (session === undefined) return;
    if (isSession && request.method === "GET") return this.#tell(session, response);
    if (!this.#parts.sessions.isToken(session, request.headersDistinct[tokenHeader]?.[0]))
      return refuse(request, response, foreign);
    if (path.startsWith(rpcBase))
      return this.#call(path.slice(rpcBase.length - 1), this.#credential(session), request, response);
    if (isExport)
      return this.#parts.exports.grant(
        path.slice(exportBase.length),
        this.#downloader(session),
        request,
        response,
      );
    if (!isSession) return this.#try(path.slice(tryBase.length - 1), request, response);
    if (request.method !== "DELETE") return refuse(request, response, notAllowed);
    await this.#parts.login.end(request, this.#credential(session));
    response.setHeader("set-cookie", this.#parts.sessions.noCookie());
    response.writeHead(204).end();
  }

  /**
   * A download, which a page begins by going to its address. The ticket says that it was one of ours; browsers that say where a request
   * comes from have to say the same.
   */
  async #save(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headersDistinct["sec-fetch-site"] !== undefined && !isSameOrigin(request))
      return refuse(request, response, foreign);
    // With a token that lasts: the file may be long, and its reader slow.
    const session = await this.#session(request, response, false, true);
    if (session === undefined) return;
    await this.#parts.exports.save(
      path.slice(exportBase.length),
      this.#downloader(session),
      request,
      response,
    );
  }

  #downloader(session: AdminSession): Downloader {
    return { sessionId: session.id, credential: this.#credential(session) };
  }

  #fail(thrown: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (!(thrown instanceof Refusal)) this.#parts.onError(thrown, request.url ?? base);
    if (response.headersSent) response.destroy();
    else refuse(request, response, thrown instanceof Refusal ? refusalOf(thrown.denial) : unavailable);
  }

  /**
   * The session that a request came with, renewed where it is due. Whether it is still one of staff is asked then, and
   * where `ask` says so; `renewed` renews it in any case. What it may do is asked by each RPC. Undefined: the request is answered.
   */
  async #session(
    request: IncomingMessage,
    response: ServerResponse,
    ask: boolean,
    renewed = false,
  ): Promise<AdminSession | undefined> {
    const { sessions, login } = this.#parts;
    const found = sessions.read(request.headersDistinct["cookie"] ?? []);
    // Asking whether there is one is no mistake: no answer, and no line in the browser's console.
    if (found === undefined)
      return this.#turnAway(request, response, ask && request.method === "GET" ? none : missing);
    const due = renewed || sessions.isDue(found);
    let session = request.headers[backgroundHeader] === undefined ? sessions.seen(found) : found;
    try {
      if (due) session = { ...(await login.renew(session, request)), seenAt: session.seenAt };
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return this.#turnAway(request, response, refusalOf(thrown.denial));
    }
    const refusal = ask || due ? await this.#refusalOf(session, request) : undefined;
    if (refusal !== undefined) return this.#turnAway(request, response, refusal);
    if (session !== found) response.setHeader("set-cookie", sessions.cookie(session));
    return session;
  }

  /** Undefined for an open session of staff. */
  async #refusalOf(session: AdminSession, request: IncomingMessage): Promise<PlainRefusal | undefined> {
    const call = new AdminCall(request, whoAmI, this.#credential(session));
    const decision = await this.#parts.auth.decide(call);
    if (!decision.ok) return refusalOf(decision.denial);
    return decision.principal?.isStaff || decision.principal?.isSuperuser ? undefined : staffOnly;
  }

  /** Says no, and lets the browser forget the cookie unless that may be good again in a moment. */
  #turnAway(request: IncomingMessage, response: ServerResponse, refusal: PlainRefusal): undefined {
    if (refusal.status !== 503) response.setHeader("set-cookie", this.#parts.sessions.noCookie());
    refuse(request, response, refusal);
    return undefined;
  }

  #tell(session: AdminSession, response: ServerResponse): void {
    const { sessions, about } = this.#parts;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(`${JSON.stringify({ csrf_token: sessions.token(session), ...about })}\n`);
  }

  /** Somebody tries out what a credential may do: it goes through the same gate as every other. */
  #try(path: string, request: IncomingMessage, response: ServerResponse): void {
    const given = request.headersDistinct[triedHeader]?.[0];
    const [, kind = "", value = ""] = /^(\w+) (.+)$/.exec(given ?? "") ?? [];
    const place = kind === "token" || kind === "api_key" ? this.#parts.credentials[kind] : undefined;
    if (place !== undefined) this.#call(path, written(place, value), request, response);
    else if (given === undefined) this.#call(path, undefined, request, response);
    else refuse(request, response, noCredential);
  }

  /** The request as an RPC with this credential, and nothing of the session but what this was made of. */
  #call(
    path: string,
    credential: readonly [name: string, value: string] | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const kept = pairs(request.rawHeaders).filter(([header]) => carried.has(header.toLowerCase()));
    const headers = credential === undefined ? kept : [...kept, credential];
    request.url = path;
    request.rawHeaders = headers.flat();
    request.headers = Object.fromEntries(headers.map(([header, text]) => [header.toLowerCase(), text]));
    request.headersDistinct = Object.fromEntries(
      headers.map(([header, text]) => [header.toLowerCase(), [text]]),
    );
    if (!this.#parts.rpc(request, response)) refuse(request, response, unknownPath);
  }

  #credential({ accessToken }: AdminSession): readonly [string, string] {
    return written(this.#parts.credentials.token, accessToken);
  }
}

function written({ header, scheme }: CredentialPlace, value: string): readonly [string, string] {
  return [header, scheme === "" ? value : `${scheme} ${value}`];
}

/** What an RPC may know of the browser's request. Credentials are not among it: the session is the only one. */
const carried: ReadonlySet<string> = new Set([
  ...[
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "content-type",
    "content-length",
    "content-encoding",
  ],
  ...["transfer-encoding", "connection", "connect-protocol-version", "connect-timeout-ms", "x-request-id"],
]);

function pairs(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ""] as const] : []));
}
