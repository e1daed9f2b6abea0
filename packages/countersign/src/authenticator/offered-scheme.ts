import type { Authenticator } from "../core/authenticator.ts";
import { credentialStart } from "../core/credential.ts";

/**
 * Reads a bare credential of `authorization` also behind the scheme that its challenge names: whoever does as it says is
 * understood (RFC 9110 section 11.6.1). No credential has a space, so that nothing is read in two ways. Other headers, and
 * authenticators with a scheme of their own, stay as they are.
 */
export function withOfferedScheme<P>(authenticator: Authenticator<P>): Authenticator<P> {
  const { header, scheme, challenge } = authenticator;
  if (header !== "authorization" || scheme !== "" || challenge === undefined)
    return Object.freeze(authenticator);
  const bare = (value: string): string => value.slice(Math.max(0, credentialStart(value, challenge)));
  return Object.freeze({
    ...authenticator,
    unrecognized: (value: string) => authenticator.unrecognized(bare(value)),
    start(runtime) {
      const authenticate = authenticator.start(runtime);
      return (value, call) => authenticate(bare(value), call);
    },
  } satisfies Authenticator<P>);
}
