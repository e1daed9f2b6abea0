import type { IncomingMessage, ServerResponse } from "node:http";
import { cors as connect } from "@connectrpc/connect";
import { nodeCors } from "countersign/http/node";
import type { Config } from "../config/config.ts";

/** Which pages in a browser may call, and with which headers. */
export interface CorsOptions extends Readonly<Config["http"]["cors"]> {
  /** Headers that credentials come in. */
  readonly credentialHeaders: readonly string[];
}

/** True: this was a preflight, and it is answered; nothing else has looked at it. */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What Connect, gRPC-Web and credentials need. Closed by default: without origins nothing of it is said. */
export function createCors({ allowed_origins: origins, credentials, credentialHeaders }: CorsOptions): Cors {
  return nodeCors({
    origins,
    credentials,
    methods: connect.allowedMethods,
    allowedHeaders: [
      ...new Set([...connect.allowedHeaders, "X-Request-Id", "X-Countersign-Stream", ...credentialHeaders]),
    ],
    exposedHeaders: [...connect.exposedHeaders, "WWW-Authenticate", "Retry-After", "X-Request-Id"],
  });
}
