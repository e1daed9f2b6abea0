import type { DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import type { Call } from "countersign";
import { RouteTable } from "countersign/http/node";
import { isPlainPath } from "./plain-path.ts";

/** What a caller has asked a service for, as its proxy saw it. */
export interface Asked {
  readonly method: string;
  /** As it came: path and query. */
  readonly target: string;
  /** Of the request; empty for none. */
  readonly contentType: string;
}

/** The procedures that are guarded from outside, and how a request names one. */
export interface GuardedProcedures {
  readonly all: readonly string[];
  /** Undefined where nothing that is guarded is meant, beyond doubt. */
  find(asked: Asked): string | undefined;
}

/** Where a health check is, at any service: open, as it is at every other door. */
const health = ["Check", "Watch", "List"].map((name) => `/grpc.health.v1.Health/${name}`);

/**
 * By what rules and descriptors name: `/package.Service/Method`, which is asked for by POST without a query (by GET where the
 * descriptor says that it has no side effects), and `METHOD /path/:name`. Throws a `TypeError` for a rule that is neither.
 */
export function guardedProcedures(
  ruled: readonly string[],
  services: readonly DescService[],
): GuardedProcedures {
  const methods = services.flatMap((service) => service.methods);
  const nameOf = ({ parent, name }: (typeof methods)[number]): string => `/${parent.typeName}/${name}`;
  const all = [...new Set([...ruled, ...methods.map(nameOf)])];
  const rpcs = new Set([...all.filter((procedure) => procedure.startsWith("/")), ...health]);
  const readable = new Set(
    methods.filter(({ idempotency }) => idempotency === Idempotency.NO_SIDE_EFFECTS).map(nameOf),
  );
  const routes = new RouteTable<string>();
  for (const procedure of all) if (!rpcs.has(procedure)) routes.add(procedure, procedure);
  return {
    all,
    find({ method, target, contentType }) {
      const at = target.indexOf("?");
      const path = at === -1 ? target : target.slice(0, at);
      if (!isPlainPath(path)) return undefined;
      const overGrpc = contentType.startsWith("application/grpc");
      if (rpcs.has(path)) {
        if (method === "POST") return at === -1 ? path : undefined;
        return method === "GET" && readable.has(path) && !overGrpc ? path : undefined;
      }
      if (overGrpc) return undefined;
      const found = routes.find(method, path);
      return found.kind === "route" ? found.value : undefined;
    },
  };
}

/** The protocol of a request, by what it says its body is. */
export function protocolOf(procedure: string, contentType: string): Call["protocol"] {
  if (/^application\/grpc-web(?![a-z])/.test(contentType)) return "grpc-web";
  if (contentType.startsWith("application/grpc")) return "grpc";
  return procedure.startsWith("/") ? "connect" : "http";
}
