import type { AuthRuntime } from "../core/authenticator.ts";
import {
  type Allowed,
  andThen,
  type Decision,
  type Denied,
  deny,
  type MaybePromise,
} from "../core/decision.ts";
import type { DenialDetail, Reason } from "../core/denial.ts";
import type { RevocationSubject, Verdict } from "../core/revocation.ts";

/** A credential that was found good, and what is needed to ask again whether it still is. */
export interface CachedCredential<P> {
  readonly decision: Allowed<P>;
  readonly subject: RevocationSubject;
  /** The version of the revocation view at which it was last found good. */
  stamp: number;
}

/** What a verdict other than `good` leads to: a credential's own reason, challenge and subject. */
export type Refuse = (verdict: Exclude<Verdict, "good">) => Denied;

/** How often a fill may be overtaken by changes of the very user or key that it reads, before it gives up. */
const maximumReads = 5;

/**
 * Reads a credential and checks it against what was revoked since the reading began, so that a fill that races a
 * revocation never re-admits. Changes of others do not disturb it.
 */
export function fill<P, C extends CachedCredential<P>>(
  runtime: AuthRuntime,
  read: (stamp: number) => MaybePromise<C | Denied>,
  keep: (credential: C) => void,
  refuse: Refuse,
  reads = 1,
): MaybePromise<Decision<P>> {
  return andThen(read(runtime.revocations.version), (credential): MaybePromise<Decision<P>> => {
    if (!("stamp" in credential)) return credential;
    // All of it: what was revoked long ago is news about a credential that was not here.
    const { revocations } = runtime;
    const { version } = revocations;
    const verdict = revocations.check(credential.subject, credential.stamp);
    if (verdict === "good") {
      credential.stamp = version;
      keep(credential);
      return credential.decision;
    }
    const again = verdict === "stale" && reads < maximumReads;
    return again ? fill(runtime, read, keep, refuse, reads + 1) : refuse(verdict);
  });
}

/** Asks the revocation view about one that was good at its stamp, and stamps the credential if it is still good. */
export function recheck<P>({ revocations }: AuthRuntime, credential: CachedCredential<P>): Verdict {
  const { version } = revocations;
  const verdict = revocations.recheck(credential.subject, credential.stamp);
  if (verdict === "good") credential.stamp = version;
  return verdict;
}

/** What tokens, and certificates like them, are refused with. */
export const tokenReasons = Object.freeze({ revoked: "TOKEN_REVOKED", gone: "TOKEN_INVALID" } as const);

/** The denial that a verdict leads to. `revoked` and `gone` are the credential's own reasons. */
export function refusal(
  verdict: Exclude<Verdict, "good">,
  { revoked, gone }: { readonly revoked: Reason; readonly gone: Reason },
  detail: DenialDetail,
): Denied {
  switch (verdict) {
    case "token-revoked":
    case "key-revoked":
      return deny(revoked, detail);
    case "user-disabled":
      return deny("USER_DISABLED", detail);
    case "user-deleted":
      // As it is told when nothing is left to read of the account.
      return deny(gone, { ...detail, cause: "no such user" });
    case "stale":
      return deny("UNAVAILABLE", { ...detail, challenges: [], cause: "changed again each time it was read" });
    case "unavailable":
      return deny("UNAVAILABLE", {
        ...detail,
        challenges: [],
        cause: "cut off from the revocation log for too long",
      });
  }
}
