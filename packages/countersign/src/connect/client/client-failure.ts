import { ConnectError } from "@connectrpc/connect";
import { ClientError } from "../../client/client-error.ts";
import { refusalOf } from "./refusal-of.ts";

/** Throws Connect's error as ours. */
export function rethrow(thrown: unknown): never {
  const error = ConnectError.from(thrown);
  throw new ClientError(error.code, error.rawMessage, refusalOf(error)?.reason, { cause: thrown });
}
