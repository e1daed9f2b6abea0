import { X509Certificate } from "node:crypto";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { allow, andThen, type Decision, type Denied, deny, type MaybePromise } from "../core/decision.ts";
import type { DenialDetail, Reason } from "../core/denial.ts";
import { requireKnown } from "../core/known-options.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { principalOf } from "./account.ts";
import { type CachedCredential, fill, recheck, refusal, tokenReasons } from "./cached-credential.ts";
import {
  type CertificateEntry,
  type CertificateHolder,
  type CertificateMap,
  type CertificateMatch,
  createCertificateMap,
  type NoMatch,
  principalOfService,
} from "./certificate-map.ts";
import { readCertificateNames } from "./certificate-names.ts";
import { certificateThumbprint } from "./certificate-thumbprint.ts";
import { type CredentialCache, createCredentialCache } from "./credential-cache.ts";

export interface ClientCertificateOptions<P> {
  /** Which certificates stand for whom. One that is not here counts as no credential. */
  readonly map: readonly [CertificateEntry, ...CertificateEntry[]];
  /** Where users are, for entries with `userId`. One who is gone or disabled is refused. */
  readonly users?: UserSource;
  /** The user with exactly this name, for entries with `username`. */
  readonly findByUsername?: (username: string) => MaybePromise<UserAccount | undefined>;
  /** Certificates that are remembered. Default: 4,096. */
  readonly capacity?: number;
  /** Default: `client_certificate`. */
  readonly name?: string;
  readonly toPrincipal?: (principal: Principal) => P;
}

const certificateOptions = ["map", "users", "findByUsername", "capacity", "name", "toPrincipal"];

/**
 * The client certificate of a connection, which the transport has verified. It authenticates calls that have no header
 * credential; beside one it only binds tokens (RFC 8705). The principal's `clientId` is the name that was recognised.
 */
export function clientCertificate<P = Principal>(options: ClientCertificateOptions<P>): Authenticator<P> {
  requireKnown("clientCertificate()", options, certificateOptions);
  const { map: entries, users, findByUsername, name = "client_certificate", capacity = 4096 } = options;
  if (entries.some((entry) => "userId" in entry) && users === undefined)
    throw new TypeError("a client certificate stands for a userId, and there is no source of users");
  if (entries.some((entry) => "username" in entry) && findByUsername === undefined)
    throw new TypeError("a client certificate stands for a username, and there is no findByUsername");
  const settings: Settings<P> = Object.freeze({
    name,
    capacity,
    map: createCertificateMap(entries),
    load: (holder: AccountHolder) =>
      "userId" in holder ? users?.load(holder.userId) : findByUsername?.(holder.username),
    toPrincipal: options.toPrincipal ?? ((principal: Principal) => principal as P),
  });
  return Object.freeze({
    name,
    header: undefined,
    challenge: undefined,
    missingMessage: "Client certificate required",
    unrecognized: () => "CREDENTIALS_MISSING" as const,
    start(runtime: AuthRuntime) {
      const checker = new CertificateChecker<P>(settings, runtime);
      return (_value: string, call: Call) => checker.authenticate(call);
    },
  });
}

type AccountHolder = Exclude<CertificateHolder, { readonly service: unknown }>;

interface Settings<P> {
  readonly name: string;
  readonly capacity: number;
  readonly map: CertificateMap;
  readonly load: (holder: AccountHolder) => MaybePromise<UserAccount | undefined>;
  readonly toPrincipal: (principal: Principal) => P;
}

/** A certificate that was read once, and what became of it. */
interface KnownCertificate<P> {
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly match: CertificateMatch | Denied;
  credential: CachedCredential<P> | undefined;
}

class CertificateChecker<P> {
  readonly #settings: Settings<P>;
  readonly #runtime: AuthRuntime;
  /** By thumbprint: what a certificate says never changes. */
  readonly #cache: CredentialCache<KnownCertificate<P>>;

  constructor(settings: Settings<P>, runtime: AuthRuntime) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#cache = createCredentialCache({ capacity: settings.capacity });
    runtime.onCache?.(this.#cache);
  }

  authenticate({ peer }: Call): MaybePromise<Decision<P>> | undefined {
    const { certificate } = peer;
    if (certificate === undefined) return undefined;
    const known = this.#known(certificate);
    const { match, credential } = known;
    if (isDenied(match)) return match;
    const now = this.#runtime.now();
    // The transport looked at the time once, when the connection was made.
    if (now >= known.notAfter) return deny("TOKEN_EXPIRED", { cause: "the client certificate has expired" });
    if (now < known.notBefore)
      return deny("TOKEN_INVALID", { cause: "the client certificate is not valid yet" });
    if (credential === undefined) return this.#read(known, match);
    if (credential.stamp === this.#runtime.revocations.version) return credential.decision;
    const verdict = recheck(this.#runtime, credential);
    if (verdict === "good") return credential.decision;
    if (verdict === "stale") return this.#read(known, match);
    return refusal(verdict, tokenReasons, subjectOf(credential.subject.userId));
  }

  #known(certificate: Uint8Array): KnownCertificate<P> {
    const thumbprint = certificateThumbprint(certificate);
    const found = this.#cache.get(thumbprint);
    if (found !== undefined) return found;
    const { ca, validFromDate, validToDate } = new X509Certificate(certificate);
    const known: KnownCertificate<P> = {
      notBefore: validFromDate.getTime(),
      notAfter: validToDate.getTime(),
      match: this.#match(certificate, ca),
      credential: undefined,
    };
    this.#cache.set(thumbprint, known);
    return known;
  }

  #match(certificate: Uint8Array, isAuthority: boolean): CertificateMatch | Denied {
    const names = readCertificateNames(certificate);
    if (names === undefined)
      return deny("TOKEN_INVALID", { cause: "the client certificate's names cannot be read" });
    const match = this.#settings.map.find(names, { isAuthority });
    if (typeof match !== "string") return match;
    const { reason, cause } = refusals[match];
    const shown = [...names.uris, ...names.dnsNames, names.subject?.key ?? ""].join(" ").slice(0, 300);
    return deny(reason, { cause: `${cause}: ${shown}` });
  }

  #read(known: KnownCertificate<P>, { identity, holder }: CertificateMatch): MaybePromise<Decision<P>> {
    return fill<P, CachedCredential<P>>(
      this.#runtime,
      (stamp) => this.#credential(known, identity, holder, stamp),
      (credential) => {
        known.credential = credential;
      },
      (verdict) => refusal(verdict, tokenReasons, {}),
    );
  }

  #credential(
    { notAfter }: KnownCertificate<P>,
    identity: string,
    holder: CertificateHolder,
    stamp: number,
  ): MaybePromise<CachedCredential<P> | Denied> {
    const { name, toPrincipal, load } = this.#settings;
    if ("service" in holder) {
      const principal = toPrincipal(principalOfService(holder.service, name, identity));
      return { decision: allow(principal, name, notAfter), subject: {}, stamp };
    }
    return andThen(load(holder), (account) => {
      if (account === undefined)
        return deny("TOKEN_INVALID", { cause: "no such user as the client certificate stands for" });
      if (!account.isActive) return deny("USER_DISABLED", subjectOf(account.id));
      const facts = { authenticator: name, clientId: identity };
      const principal = toPrincipal(principalOf(account, facts, this.#runtime.roles));
      return {
        decision: allow(principal, name, notAfter),
        subject: { userId: account.id, tenantId: account.tenantId },
        stamp,
      };
    });
  }
}

const refusals: Readonly<Record<NoMatch, { readonly reason: Reason; readonly cause: string }>> = {
  nobody: { reason: "CREDENTIALS_MISSING", cause: "the client certificate stands for nobody" },
  several: { reason: "CREDENTIALS_AMBIGUOUS", cause: "the client certificate stands for several" },
  "broken-svid": { reason: "TOKEN_INVALID", cause: "the client certificate is no X.509-SVID" },
};

function isDenied(match: CertificateMatch | Denied): match is Denied {
  return "denial" in match;
}

function subjectOf(userId: string | undefined): DenialDetail {
  return userId === undefined ? {} : { subject: { userId } };
}
