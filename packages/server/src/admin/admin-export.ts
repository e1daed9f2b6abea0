import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { type DescMethod, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { type Auth, CallContext, CallError, type Principal } from "countersign";
import { followResponse, readBytes } from "countersign/http/json";
import { AuditService, LogService, type Seal } from "countersign/service";
import type { ServedService } from "../served-service.ts";
import { AdminCall } from "./admin-call.ts";
import { notAllowed, type PlainRefusal, refusalOf, refuse, unknownPath } from "./admin-refusal.ts";

export interface AdminExportParts {
  readonly auth: Auth<Principal>;
  readonly services: readonly ServedService[];
  readonly seal: Seal;
  readonly now?: () => number;
}

/** Whose download it is: the id of the admin session, and the credential of its calls. */
export interface Downloader {
  readonly sessionId: string;
  readonly credential: readonly [header: string, value: string];
}

interface Ticket {
  readonly name: string;
  readonly filter: JsonValue;
  readonly sessionId: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

type Pieces = AsyncIterable<{ readonly data: string | Uint8Array }>;

export const exportBase = "/admin/export/";
const purpose = "admin export";
const ticketMs = 60_000;
const mostBytes = 8192;

/** What can be saved: an RPC whose answers are the pieces of a file. */
const methods: Readonly<Record<string, DescMethod>> = {
  requests: LogService.method.exportRequests,
  audit: AuditService.method.exportAudit,
};

/**
 * Lists as files, for the browser's own downloads: `POST /admin/export/NAME` with a filter gives a ticket, and `GET
 * /admin/export/TICKET` the file, piece by piece, as fast as it is taken. Both are the RPC's decision; the second is its call. A
 * ticket is sealed, of this session and of this minute: nothing is kept here, and no other page can begin a download.
 */
export class AdminExport {
  readonly #parts: AdminExportParts;
  readonly #now: () => number;

  constructor(parts: AdminExportParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** Answers with the path of the file. */
  async grant(
    name: string,
    { sessionId, credential }: Downloader,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined || this.#handler(method) === undefined)
      return refuse(request, response, unknownPath);
    if (request.method !== "POST") return refuse(request, response, notAllowed);
    const decision = await this.#parts.auth.decide(callOf(method, request, credential));
    if (!decision.ok) return refuse(request, response, refusalOf(decision.denial));
    const filter = await readFilter(request);
    if (filter === undefined || messageOf(method, filter) === undefined)
      return refuse(request, response, noFilter);
    const ticket: Ticket = { name, filter, sessionId, until: this.#now() + ticketMs };
    const sealed = this.#parts.seal.seal(Buffer.from(JSON.stringify(ticket)), purpose);
    const path = `${exportBase}${Buffer.from(sealed).toString("base64url")}`;
    response.writeHead(200, { "content-type": "application/json" }).end(`${JSON.stringify({ path })}\n`);
  }

  /** Answers with the file. */
  async save(
    sealed: string,
    { sessionId, credential }: Downloader,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { auth } = this.#parts;
    const ticket = this.#open(sealed);
    const method = ticket && methods[ticket.name];
    const message = method && messageOf(method, ticket.filter);
    const handler = method && this.#handler(method);
    if (!ticket || !message || !handler || ticket.sessionId !== sessionId || this.#now() > ticket.until)
      return refuse(request, response, unknownPath);
    const call = callOf(method, request, credential);
    const followed = followResponse(auth, call, response);
    const decision = await auth.decide(call);
    followed?.decided(decision);
    if (!decision.ok) return refuse(request, response, refusalOf(decision.denial));
    const stop = auth.watch(call, decision, (denial) => {
      followed?.decided({ ok: false, denial });
      response.destroy();
    });
    try {
      followed?.receivedMessage();
      const pieces = handler(message, new CallContext(call, decision, undefined));
      const file = `${ticket.name}-${new Date(this.#now()).toISOString().slice(0, 10)}.csv`;
      await send(pieces, file, response, () => followed?.sentMessage());
      if (response.writableFinished) followed?.end(0);
    } catch (thrown) {
      if (!(thrown instanceof CallError) || response.headersSent) {
        followed?.end(internal);
        throw thrown;
      }
      followed?.end(invalid);
      refuse(request, response, { ...noFilter, message: thrown.message });
    } finally {
      stop();
    }
  }

  #handler(method: DescMethod): ((message: unknown, context: CallContext) => Pieces) | undefined {
    const served = this.#parts.services.find(({ descriptor }) => descriptor === method.parent);
    const handler = served?.handlers[method.localName] as
      | ((message: unknown, context: CallContext) => Pieces)
      | undefined;
    return handler?.bind(served?.handlers);
  }

  #open(sealed: string): Ticket | undefined {
    try {
      const plain = this.#parts.seal.open(Buffer.from(sealed, "base64url"), purpose);
      return JSON.parse(Buffer.from(plain).toString());
    } catch {
      // Made up, or of another installation.
      return undefined;
    }
  }
}

/** Codes of gRPC, for the request log. */
const [invalid, internal] = [3, 13];

const noFilter: PlainRefusal = {
  status: 400,
  code: "invalid_argument",
  message: "The body is not a filter of that list",
};

function callOf(
  method: DescMethod,
  request: IncomingMessage,
  credential: Downloader["credential"],
): AdminCall {
  return new AdminCall(request, `/${method.parent.typeName}/${method.name}`, credential);
}

/** A piece at a time: none is asked for before the one before it was taken. What the first one throws is thrown before the file begins. */
async function send(pieces: Pieces, file: string, response: ServerResponse, sent: () => void): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  response.writeHead(200, {
    "content-type": "text/csv; charset=utf-8",
    "content-disposition": `attachment; filename="${file}"`,
  });
  async function* rest() {
    try {
      for (let piece = first; piece.done !== true; piece = await iterator.next()) {
        sent();
        yield piece.value.data;
      }
    } finally {
      await iterator.return?.();
    }
  }
  await pipeline(rest, response).catch((error: NodeJS.ErrnoException) => {
    // Whoever has enough hangs up.
    if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  });
}

async function readFilter(request: IncomingMessage): Promise<JsonValue | undefined> {
  const bytes = await readBytes(request, mostBytes);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function messageOf(method: DescMethod, filter: JsonValue): unknown {
  try {
    return fromJson(method.input, { filter, format: "csv" });
  } catch {
    return undefined;
  }
}
