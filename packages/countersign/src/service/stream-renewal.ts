import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import type { Auth } from "../core/auth.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { isStreamId } from "../core/stream-renewal.ts";
import {
  AuthService,
  type RenewStreamRequest,
  type RenewStreamResponseSchema,
} from "../gen/auth/v1/auth_pb.ts";

/** Answers for a stream of the caller's. */
export type RenewStream = (
  request: RenewStreamRequest,
  context: CallContext,
) => Promise<MessageInitShape<typeof RenewStreamResponseSchema>>;

/** `RenewStream` for the streams that an `Auth` watches: those of one process. */
export function renewsStreams<P extends Principal>(auth: Pick<Auth<P>, "renewStream">): RenewStream {
  return async ({ streamId }, context) => {
    if (!isStreamId(streamId))
      throw invalidArgument({ field: "stream_id", description: "is 22 to 64 characters of base64url" });
    const renewal = await auth.renewStream(streamId, context as unknown as CallContext<P>);
    // It may be somebody else's, over, or on another node: which of them is nobody's business.
    if (renewal === undefined)
      throw new CallError("NOT_FOUND", "No such stream of this caller's is open on this node");
    if (!renewal.ok) throw new Refusal(renewal.denial.reason, { message: renewal.denial.message });
    const { expiresAt } = renewal;
    return expiresAt === Number.POSITIVE_INFINITY ? {} : { expiresAt: timestampFromMs(expiresAt) };
  };
}

type Methods = typeof AuthService extends GenService<infer M> ? M : never;

/** AuthService with nothing but RenewStream. */
export type StreamRenewalService = GenService<Pick<Methods, "renewStream">>;

/**
 * For a server of your own, whose streams live longer than a token: `auth.v1.AuthService` with nothing but RenewStream. Give it
 * the rule "authenticated" and serve it beside your services.
 */
export const StreamRenewal: StreamRenewalService = Object.freeze({
  ...AuthService,
  methods: [AuthService.method.renewStream],
  method: { renewStream: AuthService.method.renewStream },
}) as unknown as StreamRenewalService;

/** What implements `StreamRenewal`. */
export function createStreamRenewal<P extends Principal>(
  auth: Pick<Auth<P>, "renewStream">,
): ServiceHandlers<StreamRenewalService> {
  return { renewStream: renewsStreams(auth) };
}
