import type { Auth, Principal, UserSource } from "countersign";
import { connectAuth, implement } from "countersign/connect";
import { connectListener } from "countersign/connect/node";
import type { UserRecord } from "countersign/store";
import type { ServedService } from "../served-service.ts";
import type { HttpHandler } from "./http.ts";

export interface ConnectOptions {
  readonly users: UserSource<UserRecord>;
  readonly onError: (error: unknown, procedure: string) => void;
}

/** Every service over HTTP at its own paths: Connect with JSON or binary, by POST or GET, gRPC-Web, and plain JSON. */
export function connectServices(
  auth: Auth<Principal>,
  services: readonly ServedService[],
  options: ConnectOptions,
): HttpHandler {
  const listener = connectListener(connectAuth(auth, options), {
    routes(router) {
      for (const { descriptor, handlers } of services)
        router.service(descriptor, implement(descriptor, handlers));
    },
    // Over HTTP/1.1 there is none: it has the listener of its own.
    grpc: false,
    readMaxBytes: 64 * 1024,
    jsonOptions: { useProtoFieldName: true, alwaysEmitImplicit: true, ignoreUnknownFields: false },
  });
  const paths = new Set(
    services.flatMap(({ descriptor }) =>
      descriptor.methods.map(({ name }) => `/${descriptor.typeName}/${name}`),
    ),
  );
  return (request, response) => {
    if (!paths.has(request.url?.split("?", 1)[0] ?? "")) return false;
    response.setHeader("cache-control", "no-store");
    // curl says x-www-form-urlencoded unless it is told otherwise; what counts is that the body is JSON.
    const { "content-type": type = "application/x-www-form-urlencoded" } = request.headers;
    if (type === "application/x-www-form-urlencoded") request.headers["content-type"] = "application/json";
    listener(request, response);
    return true;
  };
}
