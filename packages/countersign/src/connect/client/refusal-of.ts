import type { ConnectError } from "@connectrpc/connect";
import type { RefusalInfo } from "../../client/refusal.ts";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** The `google.rpc.ErrorInfo` of an error. Undefined where there is none. */
export function refusalOf(error: ConnectError): RefusalInfo | undefined {
  return error.findDetails(ErrorInfoSchema)[0];
}
