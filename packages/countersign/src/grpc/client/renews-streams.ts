import { type Client, Metadata } from "@grpc/grpc-js";
import { type RenewStream, streamHeader } from "../../client/stream-renewer.ts";
import { AuthService } from "../../gen/auth/v1/auth_pb.ts";
import { ask } from "./ask.ts";
import { rethrow } from "./client-failure.ts";

/** How long one renewal may take. */
const timeoutMs = 5000;

/** Renews streams by a client of the server that has them: of the same address, and without an interceptor of its own. */
export function renewsStreams(client: Client): RenewStream {
  return async (streamId, [name, value]) => {
    const metadata = new Metadata();
    metadata.set(name, value);
    metadata.set(streamHeader, streamId);
    const { renewStream } = AuthService.method;
    await ask(client, renewStream, { streamId }, { metadata, timeoutMs }).catch(rethrow);
  };
}
