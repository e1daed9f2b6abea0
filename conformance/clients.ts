import { buf } from "./clients/buf.ts";
import type { ClientKind } from "./clients/client.ts";
import { connectBinary, connectGrpc, connectJson, grpcWeb } from "./clients/connect.ts";
import { curl } from "./clients/curl.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { pythonHttp } from "./clients/python-http.ts";
import { raw } from "./clients/raw.ts";

/** Every client that asks the program, at either of its listeners. */
export const clientKinds: readonly ClientKind[] = [
  grpcJs,
  python,
  raw,
  buf,
  connectGrpc,
  connectJson,
  connectBinary,
  grpcWeb,
  pythonHttp,
  curl,
];
