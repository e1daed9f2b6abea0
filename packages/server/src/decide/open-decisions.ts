import type { Auth, CallLimiter, Principal } from "countersign";
import type { Logger } from "pino";
import { type AuthenticationParts, createOutsideAuthentication } from "../authentication.ts";
import type { Config } from "../config/config.ts";
import type { HttpHandler } from "../listen/http.ts";
import type { OutsidePolicy } from "../policy/policy-in-force.ts";
import { forwardedAddress } from "../requests/peer-address.ts";
import type { ServedService } from "../served-service.ts";
import type { ForwardedAuthorities } from "../tls/forwarded-authorities.ts";
import { configuredAudiences } from "./audiences.ts";
import { Decisions } from "./decisions.ts";
import { extAuthz } from "./ext-authz.ts";
import { forwardAuth } from "./forward-auth.ts";
import { createForwardedCertificates } from "./forwarded-certificates.ts";
import { createIdentityTokens, type IdentityTokens } from "./identity-tokens.ts";
import { outsideRules } from "./outside-rules.ts";

export interface DecisionParts extends Omit<AuthenticationParts, "policy"> {
  readonly limits: CallLimiter<Principal>;
  /** Of this program's own listeners, which proxies ask at. */
  readonly own: Auth<Principal>;
  readonly outside: OutsidePolicy;
  /** Undefined where no certificate counts that a proxy forwards. */
  readonly forwarded: Pick<ForwardedAuthorities, "current"> | undefined;
  readonly log: Logger;
}

/** The doors of proxies that are open. */
export interface OpenDecisions {
  /** What is guarded from outside; undefined where no proxy may ask. */
  readonly auth: Auth<Principal> | undefined;
  /** For the gRPC listener. */
  readonly services: readonly ServedService[];
  /** For the HTTP listener. */
  readonly handlers: readonly HttpHandler[];
}

/** Opens the doors that the configuration names. Throws a `ConfigError` for rules that no proxy can keep. */
export function openDecisions({ own, outside, forwarded, log, ...parts }: DecisionParts): OpenDecisions {
  const { proxies } = parts.config;
  if (!proxies.ext_authz && !proxies.forward_auth) return { auth: undefined, services: [], handlers: [] };
  const { tables, procedures } = outsideRules(parts.config, outside);
  const auth = createOutsideAuthentication({ ...parts, policy: tables }, procedures.all);
  const decisions = new Decisions({
    auth,
    procedures,
    identities: identitiesOf(parts, procedures.all),
    onUnknown: (path) => log.debug({ path: printable(path) }, "a proxy asked for what is not guarded here"),
    onError: (err, procedure) => log.error({ err, procedure }, "an identity token cannot be signed"),
  });
  const { identity_header: identityHeader } = proxies;
  const door = { decisions, identityHeader };
  return {
    auth,
    services: proxies.ext_authz
      ? [
          extAuthz({
            ...door,
            removeHeaders: removedBy(parts.config),
            certificates: forwarded && createForwardedCertificates({ authorities: () => forwarded.current }),
          }),
        ]
      : [],
    handlers: proxies.forward_auth
      ? [
          forwardAuth({
            ...door,
            auth: own,
            onError: (err) => log.error({ err }, "forward-auth failed"),
            keys: parts.config.auth.api_keys,
            forwardedAddress: forwardedAddress(parts.config.request_log.trusted_proxies),
          }),
        ]
      : [],
  };
}

function identitiesOf(
  { config, signing }: Pick<DecisionParts, "config" | "signing">,
  procedures: readonly string[],
): IdentityTokens | undefined {
  const audiences = configuredAudiences(config, procedures);
  if (audiences === undefined) return undefined;
  return createIdentityTokens({
    audiences,
    issuer: config.auth.jwt.issuer,
    lifetimeSeconds: config.proxies.identity_lifetime,
    signingKey: (seconds) => signing.signerFor(seconds),
  });
}

/** What no service behind a proxy is to see or to believe. */
function removedBy({ auth, proxies }: Config): readonly string[] {
  const credentials = [auth.jwt.header, auth.api_keys.header, "authorization", "x-api-key"];
  return [...credentials, ...proxies.remove_headers];
}

/** Without its query, which may hold anything. */
function printable(path: string): string {
  return (path.split("?", 1)[0] ?? "").slice(0, 256);
}
