import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import type { ServiceError } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";
import { CommandFailure, statusNames } from "../terminal/failure.ts";

export interface Asked {
  readonly server: string;
  /** Without TLS. */
  readonly plain: boolean;
  /** Without a credential. */
  readonly anonymous: boolean;
}

/** What a server answered, or that none did, with what can be done about it. */
export function remoteFailure(error: ServiceError, asked: Asked): CommandFailure {
  const { reason, violations } = detailsOf(error);
  const status = statusNames[error.code] ?? "UNKNOWN";
  return new CommandFailure(status, `${asked.server}: ${textOf(error, status, reason, asked)}`, {
    reason,
    violations,
  });
}

function textOf({ details }: ServiceError, status: string, reason: string | undefined, asked: Asked): string {
  if (status === "UNAVAILABLE" && reason === undefined) {
    const kind = asked.plain ? "without TLS" : "by TLS";
    return `no server answers there ${kind} (${details}); start it, or see whether the address is right`;
  }
  if (status === "DEADLINE_EXCEEDED")
    return "the server did not answer in time; nothing is known of the outcome";
  if (status === "UNIMPLEMENTED")
    return "this server does not serve accounts: its `services` have to name them";
  if (status === "UNAUTHENTICATED" && asked.anonymous) {
    return `${details}; set COUNTERSIGN_API_KEY or COUNTERSIGN_TOKEN, or name a --credential-file`;
  }
  return details;
}

type Details = Pick<CommandFailure, "reason" | "violations">;

function detailsOf({ metadata }: ServiceError): Details {
  const [bytes] = metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Uint8Array)) return { reason: undefined, violations: [] };
  try {
    const { details } = fromBinary(StatusSchema, bytes);
    const infos = details.map((any) => anyUnpack(any, ErrorInfoSchema)).filter((info) => info !== undefined);
    const requests = details
      .map((any) => anyUnpack(any, BadRequestSchema))
      .filter((bad) => bad !== undefined);
    const violations = requests.flatMap(({ fieldViolations }) => fieldViolations);
    return {
      reason: infos[0]?.reason,
      violations: violations.map(({ field, description }) => ({ field, description })),
    };
  } catch {
    // Details that cannot be read are no reason to hide the status.
    return { reason: undefined, violations: [] };
  }
}
