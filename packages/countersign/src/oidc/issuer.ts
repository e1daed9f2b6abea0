import { type Algorithm, algorithmSpec } from "../jwt/algorithms.ts";
import { type KeyRing, keyRingFromJwks } from "../jwt/key-ring.ts";
import { discoveryAddress, type IssuerMetadata, readMetadata } from "./discovery.ts";
import { type FetchLimits, fetchJson } from "./fetch-json.ts";
import { type AddressRules, requireAddress, requireIssuerName } from "./issuer-address.ts";
import { IssuerUnavailable } from "./issuer-unavailable.ts";
import { RemoteKeys } from "./remote-keys.ts";

export interface IssuerOptions extends AddressRules {
  /** Exactly as it stands in `iss`: `https://accounts.google.com`. */
  readonly issuer: string;
  /** Other spellings of `iss` in this issuer's tokens: `["accounts.google.com"]` for Google. Default: none. */
  readonly alsoKnownAs?: readonly string[] | undefined;
  /** Where its keys are. Default: where its discovery document says. */
  readonly jwksUri?: string | undefined;
  /** Where it answers for tokens (RFC 7662). Default: where its discovery document says. */
  readonly introspectionEndpoint?: string | undefined;
  /** The algorithms that it may use; never a symmetric one. Default: as `keyRingFromJwks()`. */
  readonly algorithms?: readonly Algorithm[] | undefined;
  /** For each answer, as a whole. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Of each document. Default: 131,072. */
  readonly maxBytes?: number | undefined;
  /** Keys are fetched again when they are so old. Default: 600; at most `usableForSeconds`. */
  readonly refreshAfterSeconds?: number | undefined;
  /** How long keys are used without hearing from the issuer. Default, and at most: 900. */
  readonly usableForSeconds?: number | undefined;
  /** Between two fetches for keys that nobody knows. Default: 30. */
  readonly cooldownSeconds?: number | undefined;
  /** Milliseconds on a clock that nobody sets. Default: `performance.now`. */
  readonly elapsed?: (() => number) | undefined;
  /** Hears of each fetch that failed. What it throws is ignored. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** Somebody else who issues tokens: its names, its keys, and where it answers. Share one among authenticators. */
export interface Issuer {
  /** The name that counts: identities are linked under it. */
  readonly name: string;
  /** Every spelling of `iss` that its tokens may have, `name` first. */
  readonly names: readonly [string, ...string[]];
  readonly keys: Pick<RemoteKeys, "current" | "load" | "renew">;
  readonly elapsed: () => number;
  /** Where it answers for tokens. Throws `IssuerUnavailable` if that cannot be found out. */
  introspectionEndpoint(): Promise<URL>;
}

/** The discovery document is read again when it is older than this. */
const metadataForMs = 3_600_000;

/** An issuer by its address. Nothing is fetched until somebody needs it. A TypeError for options that make no sense. */
export function createIssuer(options: IssuerOptions): Issuer {
  const settings = settle(options);
  const { name, names, elapsed, fixed } = settings;
  const metadata = new Metadata(settings);
  const keys = new RemoteKeys({
    ...settings,
    async fetch() {
      const uri = fixed.jwksUri ?? (await metadata.read()).jwksUri;
      try {
        return readKeys(await fetchJson(uri, settings.limits), uri, options.algorithms);
      } catch (error) {
        // It may have moved: the next attempt asks where.
        metadata.forget();
        throw error;
      }
    },
  });
  return Object.freeze({
    name,
    names,
    keys,
    elapsed,
    async introspectionEndpoint() {
      const endpoint = fixed.introspectionEndpoint ?? (await metadata.read()).introspectionEndpoint;
      if (endpoint === undefined) throw new IssuerUnavailable(`${name}: it names no introspection_endpoint`);
      return endpoint;
    },
  });
}

interface Settings {
  readonly name: string;
  readonly names: readonly [string, ...string[]];
  readonly rules: AddressRules;
  readonly limits: FetchLimits;
  readonly elapsed: () => number;
  readonly refreshAfterMs: number;
  readonly usableForMs: number;
  readonly cooldownMs: number;
  readonly onError: (error: Error) => void;
  readonly fixed: { readonly jwksUri: URL | undefined; readonly introspectionEndpoint: URL | undefined };
}

function settle(options: IssuerOptions): Settings {
  const { timeoutMs = 5000, maxBytes = 131_072, cooldownSeconds = 30, usableForSeconds = 900 } = options;
  const { refreshAfterSeconds = Math.min(600, usableForSeconds), alsoKnownAs = [] } = options;
  const rules = { allowLoopback: options.allowLoopback };
  const name = requireIssuerName(options.issuer, rules);
  requireNumber("timeoutMs", timeoutMs, 1, 60_000);
  requireNumber("maxBytes", maxBytes, 1, 10_000_000);
  requireNumber("usableForSeconds", usableForSeconds, 1, 900);
  requireNumber("refreshAfterSeconds", refreshAfterSeconds, 1, usableForSeconds);
  requireNumber("cooldownSeconds", cooldownSeconds, 1, 3600);
  if (alsoKnownAs.some((other) => typeof other !== "string" || other === ""))
    throw new TypeError("alsoKnownAs holds names that are not empty");
  // Refused here already, and not at the first token. A published key is no secret.
  if (options.algorithms?.some((algorithm) => algorithmSpec(algorithm).kty === "oct"))
    throw new TypeError("algorithms of an issuer cannot be HS256, HS384 or HS512");
  const { jwksUri, introspectionEndpoint: introspection } = options;
  return {
    name,
    names: [name, ...alsoKnownAs],
    rules,
    limits: { timeoutMs, maxBytes },
    elapsed: options.elapsed ?? (() => performance.now()),
    refreshAfterMs: refreshAfterSeconds * 1000,
    usableForMs: usableForSeconds * 1000,
    cooldownMs: cooldownSeconds * 1000,
    onError: ignoringFaults(options.onError),
    fixed: {
      jwksUri: jwksUri === undefined ? undefined : requireAddress(jwksUri, "jwksUri", rules),
      introspectionEndpoint:
        introspection === undefined
          ? undefined
          : requireAddress(introspection, "introspectionEndpoint", rules),
    },
  };
}

/** The discovery document, read at most once at a time. */
class Metadata {
  readonly #settings: Settings;
  #known: IssuerMetadata | undefined;
  #readAt = 0;
  #inFlight: Promise<IssuerMetadata> | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async read(): Promise<IssuerMetadata> {
    const { elapsed } = this.#settings;
    if (this.#known !== undefined && elapsed() - this.#readAt < metadataForMs) return this.#known;
    this.#inFlight ??= this.#fetch().finally(() => {
      this.#inFlight = undefined;
    });
    return this.#inFlight;
  }

  forget(): void {
    this.#known = undefined;
  }

  async #fetch(): Promise<IssuerMetadata> {
    const { name, limits, rules, elapsed } = this.#settings;
    const document = await fetchJson(discoveryAddress(name), limits);
    this.#known = readMetadata(document, name, rules);
    this.#readAt = elapsed();
    return this.#known;
  }
}

function readKeys(jwks: unknown, uri: URL, algorithms: readonly Algorithm[] | undefined): KeyRing {
  try {
    return keyRingFromJwks(jwks, algorithms === undefined ? {} : { algorithms });
  } catch (error) {
    throw new IssuerUnavailable(`${uri.origin}${uri.pathname}: ${(error as Error).message}`);
  }
}

function requireNumber(option: string, value: number, least: number, most: number): void {
  if (!Number.isFinite(value) || value < least || value > most)
    throw new TypeError(`${option} is a number from ${least} to ${most}`);
}

function ignoringFaults(listener: ((error: Error) => void) | undefined): (error: Error) => void {
  return (error) => {
    try {
      listener?.(error);
    } catch {
      // An observer must not change what a token is worth.
    }
  };
}
