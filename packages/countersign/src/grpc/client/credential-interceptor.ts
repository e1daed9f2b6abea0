import { isIP } from "node:net";
import { InterceptingCall, type Interceptor, type InterceptorOptions } from "@grpc/grpc-js";
import { type Credential, requireCredential } from "../../client/credential.ts";
import { isLoopback } from "../../client/loopback.ts";
import { type RenewStream, StreamRenewer } from "../../client/stream-renewer.ts";
import { CredentialCall } from "./credential-call.ts";

export interface CredentialInterceptorOptions {
  /**
   * Does the channel speak TLS? An interceptor cannot see it. Default: no, and credentials, the caller's own too, are shown to
   * this machine only; calls to any other fail with FAILED_PRECONDITION.
   */
  readonly secure?: boolean | undefined;
  /**
   * Lets streams live longer than a token (`renewsStreams()`): each is given a name, and is renewed ahead of its token's end.
   * Default: streams end when their token does.
   */
  readonly renewStream?: RenewStream | undefined;
}

/**
 * Shows a credential with each call: `new Client(address, credentials, { interceptors: [...] })`. A call that brings the header
 * along keeps its own. A `TypeError` for what is no credential. One that is refused because its token has expired or was revoked is made once more with another
 * token, if nothing had come back; a stream, if no more than 16 requests had been sent.
 */
export function credentialInterceptor(
  credential: Credential,
  { secure = false, renewStream: renew }: CredentialInterceptorOptions = {},
): Interceptor {
  requireCredential(credential, "a credential");
  const mayReach = secure ? () => true : isThisMachine;
  const renewer =
    renew === undefined || credential.dueInMs === undefined
      ? undefined
      : (id: string, value: string) => new StreamRenewer(id, value, { credential, renew });
  return function countersign(options, nextCall) {
    const { requestStream, responseStream } = options.method_definition;
    const call = new CredentialCall({
      credential,
      next: () => nextCall(options),
      mayReach,
      deadline: deadlineOf(options),
      unaryResponse: !responseStream,
      renewer: requestStream || responseStream ? renewer : undefined,
    });
    return new InterceptingCall(call);
  };
}

function deadlineOf({ deadline }: InterceptorOptions): number {
  if (deadline === undefined || deadline === null) return Number.POSITIVE_INFINITY;
  return typeof deadline === "number" ? deadline : deadline.getTime();
}

/** A target of grpc-js's (https://github.com/grpc/grpc/blob/master/doc/naming.md): a socket's file, or only loopback addresses. */
export function isThisMachine(target: string): boolean {
  if (target.startsWith("unix:")) return true;
  // Another machine's name server may say anything of a name, of `localhost` too.
  const named = !/^dns:\/\/[^/]+\//.test(target);
  const addresses = target.replace(/^(dns:(\/\/[^/]*\/)?|ipv[46]:)/, "").split(",");
  return addresses.every((address) => {
    const [, v6, host] = /^(?:\[([^\]]*)\]|([^:[\]/]+))(?::\d+)?$/.exec(address) ?? [];
    const name = v6 ?? host ?? "";
    return isLoopback(name) && (named || isIP(name) !== 0);
  });
}
