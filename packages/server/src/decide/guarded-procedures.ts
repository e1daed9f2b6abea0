import type { DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import type { Call } from "countersign";
import { RouteTable } from "countersign/http/node";
import { isPlainPath } from "./plain-path.ts";
import { speaksGrpc } from "./refusal.ts";

/** What a caller has asked a service for, as its proxy saw it. */
export interface Asked {
  readonly method: string;
  /** As it came: path and query. */
  readonly target: string;
  /** Of the request, in lower case; empty for none. */
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
  const folded = new Map<string, string>();
  const foldedRoutes = new RouteTable<string>();
  for (const procedure of all) {
    if (!rpcs.has(procedure)) routes.add(procedure, procedure);
  }
  for (const procedure of [...all, ...health]) addFolded(procedure, folded, foldedRoutes);
  /** What a service that decodes paths first, or that does not tell upper case from lower, would take it for. */
  const loosely = (method: string, path: string): string | undefined => {
    const loose = decodeURIComponent(path).toLowerCase();
    const rpc = folded.get(loose);
    if (rpc !== undefined) return rpc;
    const route = foldedRoutes.find(method, loose);
    return route.kind === "route" ? route.value : undefined;
  };
  /** Paths that everybody reads as the one RPC that they name. */
  const plainRpcs = new Set([...rpcs].filter((path) => isPlainPath(path) && loosely("POST", path) === path));
  return {
    all,
    find({ method, target, contentType }) {
      const at = target.indexOf("?");
      const path = at === -1 ? target : target.slice(0, at);
      if (plainRpcs.has(path)) return rpcAt({ method, path, contentType, query: at !== -1 });
      if (!isPlainPath(path)) return undefined;
      const procedure = strictly({ method, path, contentType, query: at !== -1 });
      return procedure !== undefined && loosely(method, path) === procedure ? procedure : undefined;
    },
  };

  function rpcAt({ method, path, contentType, query }: Split): string | undefined {
    if (method === "POST") return query ? undefined : path;
    return method === "GET" && readable.has(path) && !speaksGrpc(contentType) ? path : undefined;
  }

  function strictly(split: Split): string | undefined {
    const { method, path, contentType } = split;
    if (rpcs.has(path)) return rpcAt(split);
    if (speaksGrpc(contentType)) return undefined;
    const found = routes.find(method, path);
    return found.kind === "route" ? found.value : undefined;
  }
}

interface Split {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly query: boolean;
}

/** Of two rules that differ in upper and lower case alone, one is found: what is asked of the other is refused. */
function addFolded(procedure: string, rpcs: Map<string, string>, routes: RouteTable<string>): void {
  const [method = "", path] = procedure.split(" ");
  if (path === undefined) {
    if (!rpcs.has(method.toLowerCase())) rpcs.set(method.toLowerCase(), procedure);
    return;
  }
  try {
    routes.add(`${method} ${path.toLowerCase()}`, procedure);
  } catch {
    // Its twin is there.
  }
}

/** The protocol of a request, by what it says its body is. */
export function protocolOf(procedure: string, contentType: string): Call["protocol"] {
  if (/^application\/grpc-web(?![a-z])/.test(contentType)) return "grpc-web";
  if (speaksGrpc(contentType)) return "grpc";
  return procedure.startsWith("/") ? "connect" : "http";
}
