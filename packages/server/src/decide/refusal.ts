import { type Denial, statusOf } from "countersign";
import { denialStatus } from "countersign/grpc";
import { denialError } from "countersign/http/node";

/** What a caller is answered in place of the service behind a proxy. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for gRPC, whose status is in the headers alone. */
  readonly body: string;
}

const grpcTypes = /^application\/grpc(?:-web)?(?:-text)?(?:\+[a-z]+)?$/;

/** Does this content type mean that the caller looks for its answer in gRPC's headers? */
export function speaksGrpc(contentType: string): boolean {
  return contentType.startsWith("application/grpc");
}

/** A denial as the caller of a service understands it: trailers alone for gRPC and gRPC-Web, else status and JSON. */
export function refusalOf(denial: Denial, contentType: string): Refusal {
  const common = { ...challengeOf(denial), "cache-control": "no-store" };
  if (speaksGrpc(contentType)) {
    // Parameters of a type are the caller's own text.
    const type = grpcTypes.test(contentType) ? contentType : "application/grpc";
    return { status: 200, headers: { "content-type": type, ...grpcHeaders(denial), ...common }, body: "" };
  }
  const { status } = denialError(denial);
  return { status, headers: { "content-type": "application/json", ...common }, body: bodyOf(denial) };
}

/** The JSON of a denial, in ASCII: it may have to travel in a header. */
export function bodyOf(denial: Denial): string {
  return JSON.stringify(denialError(denial).body).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What gRPC has in its trailers. */
export function grpcHeaders(denial: Denial): Readonly<Record<string, string>> {
  const { metadata } = denialStatus(denial);
  const [details] = metadata.get("grpc-status-details-bin");
  return {
    "grpc-status": String(statusOf[denial.reason].grpc),
    "grpc-message": percentEncoded(denial.message),
    ...(details instanceof Buffer && {
      "grpc-status-details-bin": details.toString("base64").replace(/=+$/, ""),
    }),
  };
}

/** Several challenges are one list (RFC 9110 section 11.6.1): proxies differ in what they do with a repeated header. */
export function challengeOf(denial: Denial): Readonly<Record<string, string>> {
  const { "www-authenticate": challenge, "retry-after": retry } = denialError(denial).headers;
  return {
    ...(challenge !== undefined && {
      "www-authenticate": typeof challenge === "string" ? challenge : challenge.join(", "),
    }),
    ...(typeof retry === "string" && { "retry-after": retry }),
  };
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: all but visible ASCII and space, and the sign itself. */
function percentEncoded(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
