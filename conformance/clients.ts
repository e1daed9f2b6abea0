import { buf } from "./clients/buf.ts";
import type { ClientKind } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { raw } from "./clients/raw.ts";

/** Every client that asks the program. */
export const clientKinds: readonly ClientKind[] = [grpcJs, python, raw, buf];
