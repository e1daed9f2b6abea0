import {
  type Algorithm,
  createKeyRing,
  hmacKey,
  type JwkSet,
  jwksOf,
  type KeyRing,
  privateKey,
  type SigningKey,
  type VerificationKey,
} from "countersign/jwt";
import { createSeal } from "countersign/service";
import { createSigningKeys, type SigningKeys, UnreadableSigningKey } from "countersign/signing-keys";
import type { Store } from "countersign/store";
import { type Config, hasManagedKeys } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { deriveKeys } from "./master-key.ts";

/** What tokens are signed with, and what they are checked against. */
export interface Signing {
  /** The keys of the store; undefined where the configuration brings the one key. */
  readonly managed: SigningKeys | undefined;
  /** The key that signs at an instant. Default: now. */
  signer(at?: Date): SigningKey;
  /** The key for a token of so many seconds. */
  signerFor(lifetimeSeconds: number): SigningKey | Promise<SigningKey>;
  ring(): KeyRing;
  jwks(): JwkSet;
}

/** The configured key, or those of the store, at rest. A `ConfigError` for a key that cannot be used. */
export function signingOf(
  config: Config,
  store: Store,
  onError: (error: unknown) => void = () => {},
): Signing {
  return configuredSigning(config) ?? managedSigning(config, store, onError);
}

function managedSigning(config: Config, store: Store, onError: (error: unknown) => void): Signing {
  const { algorithm, access_lifetime: lifetimeSeconds, publish_ahead: publishAheadSeconds } = config.auth.jwt;
  const keys = createSigningKeys({
    store: store.signingKeys,
    seal: createSeal(...deriveKeys(config).seal),
    algorithm: algorithm as Algorithm,
    lifetimeSeconds,
    publishAheadSeconds,
    onError,
  });
  return {
    managed: keys,
    signer: (at) => keys.current(at),
    signerFor: (seconds) => {
      const key = keys.currentFor(seconds);
      return key instanceof Promise ? readable(key) : key;
    },
    ring: () => keys.ring(),
    jwks: () => keys.jwks(),
  };
}

/** Loads the keys, makes the first one and follows the store. Returns the way to stop that. */
export async function startSigning({ managed }: Signing): Promise<() => Promise<void>> {
  if (managed === undefined) return async () => {};
  await readable(managed.start());
  return () => managed.stop();
}

/** Reads the keys once, for a command. */
export async function readSigning({ managed }: Signing): Promise<void> {
  if (managed !== undefined) await readable(managed.load());
}

/** Loads the configured key. Undefined if there is none; a `ConfigError` if it cannot be used. */
export function configuredSigning(config: Config): Signing | undefined {
  if (hasManagedKeys(config)) return undefined;
  try {
    const [key, verification] = configuredKey(config);
    const ring = createKeyRing([verification]);
    const jwks = jwksOf(ring);
    return {
      managed: undefined,
      signer: () => key,
      signerFor: () => key,
      ring: () => ring,
      jwks: () => jwks,
    };
  } catch (error) {
    // The text of a key error says what is wrong with the key, and nothing of the key.
    throw new ConfigError(`auth.jwt: ${(error as Error).message}`);
  }
}

function configuredKey({ auth, secrets }: Config): readonly [SigningKey, VerificationKey] {
  const { kid } = auth.jwt;
  const named = { algorithm: auth.jwt.algorithm as Algorithm, ...(kid !== undefined && { kid }) };
  if (secrets.jwtPrivateKey !== undefined) {
    const key = privateKey({ ...named, key: secrets.jwtPrivateKey });
    return [key, key.publicKey];
  }
  const key = hmacKey({ ...named, secret: secrets.jwtSecret ?? new Uint8Array() });
  return [key, key];
}

async function readable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof UnreadableSigningKey)) throw error;
    throw new ConfigError(
      `master_key: ${error.message}; bring back the master key, or begin anew: countersign keys signing rotate --remove-others`,
    );
  }
}
