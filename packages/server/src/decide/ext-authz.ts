import { type Call, type Denial, requestIdHeader, statusOf } from "countersign";
import type { ServiceHandlers } from "countersign/grpc";
import type { CheckRequest } from "../gen/envoy/service/auth/v3/external_auth_pb.ts";
import { Authorization } from "../gen/envoy/service/auth/v3/external_auth_pb.ts";
import { type ServedService, served } from "../served-service.ts";
import { type CheckAnswer, checkAnswerBytes, type HeaderOption } from "./check-answer.ts";
import type { Decisions, Verdict } from "./decisions.ts";
import type { ForwardedCertificates } from "./forwarded-certificates.ts";
import type { ProxiedRequest } from "./proxied-call.ts";
import { refusalOf } from "./refusal.ts";

/** What Envoy calls to ask. */
export const checkProcedure = `/${Authorization.typeName}/Check`;

export interface ExtAuthzOptions {
  readonly decisions: Pick<Decisions, "ask">;
  readonly identityHeader: string;
  /** In lower case: credentials, and what services may take for an identity. Their other spellings go with them. */
  readonly removeHeaders: readonly string[];
  /** Undefined where none counts. */
  readonly certificates: ForwardedCertificates | undefined;
}

/** Envoy's `envoy.service.auth.v3.Authorization`. Conversion only. */
export function extAuthz({
  decisions,
  identityHeader,
  removeHeaders,
  certificates,
}: ExtAuthzOptions): ServedService {
  const names = [...removeHeaders, identityHeader].flatMap(spellingsOf);
  const removed = [...new Set(names)].filter((name) => name !== identityHeader);
  const marks = { identityHeader, removed, anonymous: [...removed, identityHeader] };
  const handlers = {
    async check(request: CheckRequest, { call }: { readonly call: Call }): Promise<CheckAnswer> {
      const asked = readRequest(request, call, certificates);
      const verdict = await decisions.ask(asked);
      return verdict.decision.ok
        ? allowed(verdict, marks)
        : denied(verdict, verdict.decision.denial, asked.contentType);
    },
  };
  return served(Authorization, handlers as ServiceHandlers<typeof Authorization>, {
    check: checkAnswerBytes,
  });
}

function readRequest(
  { attributes }: CheckRequest,
  asking: Call,
  certificates: ForwardedCertificates | undefined,
): ProxiedRequest {
  const http = attributes?.request?.http;
  const headers = new Map<string, string[]>();
  const add = (name: string, value: string): void => {
    const known = headers.get(name.toLowerCase());
    if (known === undefined) headers.set(name.toLowerCase(), [value]);
    else known.push(value);
  };
  for (const [name, value] of Object.entries(http?.headers ?? {})) add(name, value);
  for (const { key, value, rawValue } of http?.headerMap?.headers ?? [])
    add(key, rawValue.length > 0 ? Buffer.from(rawValue).toString("latin1") : value);
  const address = attributes?.source?.address?.address;
  return {
    // Without an HTTP request there is nothing that a rule could be about.
    method: http?.method ?? "",
    target: http?.path ?? "",
    contentType: headers.get("content-type")?.join(",").toLowerCase() ?? "",
    header: (name) => headers.get(name) ?? none,
    peerAddress:
      address?.case === "socketAddress"
        ? peerOf(address.value.address, address.value.portSpecifier.value)
        : undefined,
    // Envoy's own word about the connection; of headers about certificates, none is looked at.
    peerCertificate: certificates?.read(attributes?.source?.certificate ?? ""),
    asking,
  };
}

const none: readonly string[] = Object.freeze([]);

function peerOf(address: string, port = 0): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A name with `-` or `_` in each place: services on CGI, WSGI or PHP take all of them for one. */
function spellingsOf(name: string): readonly string[] {
  const [first = "", ...rest] = name.split(/[-_]/);
  return rest.reduce(
    (begun, word) => begun.flatMap((before) => [`${before}-${word}`, `${before}_${word}`]),
    [first],
  );
}

/** In place of what the request has, with every version of Envoy. */
function header(key: string, value: string): HeaderOption {
  return { header: { key, value }, append: false };
}

interface Marks {
  readonly identityHeader: string;
  /** Removed after the others were set. */
  readonly removed: readonly string[];
  /** The same where no identity is set: what a client has put in its place goes too. */
  readonly anonymous: readonly string[];
}

function allowed(verdict: Verdict, { identityHeader, removed, anonymous }: Marks): CheckAnswer {
  const { identity, call } = verdict;
  return {
    status: { code: 0 },
    httpResponse: {
      case: "okResponse",
      value: {
        headers: identity === undefined ? [] : [header(identityHeader, identity)],
        headersToRemove: identity === undefined ? anonymous : removed,
        responseHeadersToAdd: call.requestId === undefined ? [] : [header(requestIdHeader, call.requestId)],
      },
    },
    dynamicMetadata: metadataOf(verdict),
  };
}

function denied(verdict: Verdict, denial: Denial, contentType: string): CheckAnswer {
  const { status, headers, body } = refusalOf(denial, contentType);
  const { requestId } = verdict.call;
  const told = requestId === undefined ? headers : { ...headers, [requestIdHeader]: requestId };
  return {
    status: { code: statusOf[denial.reason].grpc, message: denial.message },
    httpResponse: {
      case: "deniedResponse",
      value: {
        status: { code: status },
        headers: Object.entries(told).map(([key, value]) => header(key, value)),
        body,
      },
    },
    dynamicMetadata: metadataOf(verdict),
  };
}

/** For Envoy's logs and its other filters. */
function metadataOf({ call, decision }: Verdict): CheckAnswer["dynamicMetadata"] {
  const told: Record<string, string> = { procedure: call.procedure };
  const tell = (name: string, value: string | undefined): void => {
    if (value !== undefined) told[name] = value;
  };
  tell("request_id", call.requestId);
  if (decision.ok) {
    tell("user_id", decision.principal?.userId);
    tell("api_key_id", decision.principal?.apiKey?.id);
    tell("authenticator", decision.authenticator);
  } else {
    const { reason, subject, authenticator } = decision.denial;
    tell("reason", reason);
    tell("user_id", subject?.userId);
    tell("api_key_id", subject?.apiKeyId);
    tell("authenticator", authenticator);
  }
  return told;
}
