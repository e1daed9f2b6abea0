import { hash } from "node:crypto";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import { longestCredential } from "../core/credential.ts";
import { allow, andThen, deny, type MaybePromise } from "../core/decision.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";
import { principalOf } from "./account.ts";
import { type CachedCredential, fill, refusal } from "./cached-credential.ts";
import { withOfferedScheme } from "./offered-scheme.ts";

export interface DevelopmentKeyOptions<P> {
  /** At least 16 characters. Anyone who knows it is a superuser: never in production. */
  readonly secret: string;
  /** The active superuser whom it acts as: the first one. Asked at each call. */
  readonly firstSuperuser: () => MaybePromise<UserAccount | undefined>;
  /** In lower case. Default: `x-api-key`. */
  readonly header?: string;
  /** Default: `development_key`: how logs and handlers tell it from a key of someone's own. */
  readonly name?: string;
  readonly toPrincipal?: (principal: Principal) => P;
}

/** One secret that acts as the first active superuser, with no key record. For trying things out. */
export function developmentKey<P = Principal>(options: DevelopmentKeyOptions<P>): Authenticator<P> {
  const { secret, firstSuperuser, header = "x-api-key", name = "development_key" } = options;
  const toPrincipal = options.toPrincipal ?? ((principal: Principal) => principal as P);
  if (!/^[\x21-\x2b\x2d-\x7e]{16,}$/.test(secret)) {
    throw new TypeError("a development key is 16 or more visible ASCII characters without a comma");
  }
  // Digests are compared, not the secret: how far two of them agree says nothing of it.
  const expected = hash("sha256", secret, "binary");
  return withOfferedScheme({
    name,
    header,
    scheme: "",
    challenge: "ApiKey",
    missingMessage: "API key required",
    unrecognized: () => "API_KEY_INVALID" as const,
    start: (runtime: AuthRuntime) => (value: string) => {
      if (value.length > longestCredential || hash("sha256", value, "binary") !== expected) return undefined;
      return fill<P, CachedCredential<P>>(
        runtime,
        (stamp) =>
          andThen(firstSuperuser(), (user) => {
            if (!user?.isActive || !user.isSuperuser)
              return deny("USER_DISABLED", { cause: "no active superuser" });
            const principal = toPrincipal(principalOf(user, { authenticator: name }, runtime.roles));
            return {
              decision: allow(principal, name),
              subject: { userId: user.id, tenantId: user.tenantId },
              stamp,
            };
          }),
        () => {},
        (verdict) => refusal(verdict, { revoked: "API_KEY_REVOKED", gone: "API_KEY_REVOKED" }, {}),
      );
    },
  });
}
