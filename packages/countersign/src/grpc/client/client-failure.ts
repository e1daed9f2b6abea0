import type { ServiceError } from "@grpc/grpc-js";
import { ClientError } from "../../client/client-error.ts";
import { refusalOf } from "./refusal-of.ts";

/** Throws grpc-js's error as ours. */
export function rethrow(error: Partial<ServiceError>): never {
  const { code = 2, details = "The call failed", metadata } = error;
  throw new ClientError(code, details, refusalOf(metadata)?.reason, { cause: error });
}
