import { type KeyAuthenticatorOptions, keyAuthenticator } from "../authenticator/api-key.ts";
import { ownTokenAuthenticator, type TokenAuthenticatorOptions } from "../authenticator/jwt.ts";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import type { Decision } from "../core/decision.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations, type RevocationView } from "../core/revocation.ts";
import type { RoleDefinition } from "../core/role.ts";
import { emptyRoleDirectory, type RoleDirectory } from "../core/role-directory.ts";
import { type ClientTls, readServerAddress } from "../grpc/client/server-address.ts";
import { createUsageRecorder } from "../store/usage.ts";
import { Connection } from "./connection.ts";
import { type PublishedKeys, publishedKeys, publishedKeyVerifier } from "./published-keys.ts";
import { Questions } from "./questions.ts";
import { type RemoteState, RemoteWatch } from "./remote-watch.ts";

export interface RemoteOptions {
  /** Where the server answers gRPC: `HOST:PORT`, or `unix:PATH` of a socket. In clear on this machine; by TLS everywhere else. */
  readonly address: string;
  /** An API key that may `auth.revocations:watch` and `auth.keys:validate`. */
  readonly key: string;
  /** The header of `key`. Default: `x-api-key`. */
  readonly keyHeader?: string | undefined;
  /** Needed on this machine only where the server speaks TLS there, too. */
  readonly tls?: ClientTls | undefined;
  /** Where the server answers HTTP, such as `https://auth.example.com`: its keys for tokens are there. Needed by `jwt()`. */
  readonly http?: string | undefined;
  /** The name of this service: API keys with scopes such as `service:orders` are good for those services only. Default: none. */
  readonly serviceName?: string | undefined;
  /** How long what is known is used without hearing from the server. Default: 30; 0: not at all. */
  readonly staleAfterSeconds?: number | undefined;
  /** How long one question may take. Default: 1,100, which is 2 seconds together with fetching a key. */
  readonly timeoutMs?: number | undefined;
  /** How often calls of API keys are reported. Default: 5,000. */
  readonly reportEveryMs?: number | undefined;
  /** Hears of whatever failed: the stream, a fetch of keys, a report. It holds no credential. What it throws is ignored. */
  readonly onError?: ((error: Error) => void) | undefined;
}

export interface RemoteJwtOptions<P> extends TokenAuthenticatorOptions<P> {
  /** As the server is configured (`auth.jwt`). Default: none. */
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** Default: 5. */
  readonly leewaySeconds?: number | undefined;
}

/** A server of ours, as a service in another process knows it. Everything that it makes goes into one `createAuth()`. */
export interface Remote {
  /** For `createAuth({ revocations })`. */
  readonly revocations: RevocationView;
  /** For `createAuth({ roles })`. */
  readonly roles: RoleDirectory;
  /** Access tokens of the server. */
  jwt<P = Principal>(options?: RemoteJwtOptions<P>): Authenticator<P>;
  /** API keys of the server. */
  apiKey<P = Principal>(options?: KeyAuthenticatorOptions<P>): Authenticator<P>;
  /** For `createAuth({ onDecision })`, or to be called by it: counts the calls of API keys, which are reported from time to time. */
  readonly count: (decision: Decision<Pick<Principal, "apiKey">>) => void;
  readonly state: RemoteState;
  /**
   * Resolves when it is known what is revoked; until then every call is `UNAVAILABLE`. Rejects if the server refuses the
   * key, or has not answered in time (default: 10,000); it goes on trying all the same, until `close()`.
   */
  ready(timeoutMs?: number): Promise<void>;
  /** Reports what was counted, and ends. From now on every call is `UNAVAILABLE`. */
  close(): Promise<void>;
}

/** Begins to follow a server. A TypeError for options that make no sense. */
export function connectRemote(options: RemoteOptions): Remote {
  return new ConnectedRemote(options);
}

class ConnectedRemote implements Remote {
  readonly revocations = createRevocations();
  readonly roles: RoleDirectory;
  readonly count: Remote["count"];
  readonly #watch: RemoteWatch;
  readonly #questions: Questions;
  readonly #published: PublishedKeys | undefined;
  readonly #reports;

  constructor(options: RemoteOptions) {
    const { address, key, keyHeader = "x-api-key", tls, http, serviceName = "" } = options;
    const { timeoutMs = 1100, staleAfterSeconds = 30, reportEveryMs = 5000 } = options;
    if (typeof key !== "string" || !/^[\x21-\x7e]+$/.test(key)) throw new TypeError("key is an API key");
    if (!(staleAfterSeconds >= 0 && staleAfterSeconds <= 86_400))
      throw new TypeError("staleAfterSeconds is a number from 0 to 86400");
    if (!(timeoutMs > 0 && timeoutMs <= 60_000)) throw new TypeError("timeoutMs is a number up to 60000");
    const onError = ignoringFaults(options.onError);
    const elapsed = (): number => performance.now();
    const server = { address: readServerAddress(address, tls), credential: [keyHeader, key] as const };
    this.#published = http === undefined ? undefined : publishedKeys({ http, elapsed, onError });
    let roles: readonly RoleDefinition[] = [];
    const directory = emptyRoleDirectory({ source: { load: () => roles } });
    this.roles = directory;
    this.#watch = new RemoteWatch({
      connect: () => new Connection(server),
      view: this.revocations,
      takeRoles(definitions) {
        roles = definitions;
        void directory.reload();
      },
      staleAfterMs: staleAfterSeconds * 1000,
      onError,
      elapsed,
    });
    const connection = () => this.#watch.connection();
    const { revocations } = this;
    this.#questions = new Questions({ connection, revocations, serviceName, timeoutMs });
    this.#reports = createUsageRecorder({
      apiKeys: this.#questions,
      flushEveryMs: reportEveryMs,
      batchSize: 1000,
      onError: (error) => onError(error as Error),
    });
    this.count = (decision) => {
      const apiKey = decision.ok ? decision.principal?.apiKey : undefined;
      if (apiKey !== undefined) this.#reports.record(apiKey.id, Date.now());
    };
  }

  get state(): RemoteState {
    return this.#watch.state;
  }

  jwt<P = Principal>(options: RemoteJwtOptions<P> = {}): Authenticator<P> {
    if (this.#published === undefined)
      throw new TypeError("jwt() needs the server's HTTP address: connectRemote({ http })");
    // Already now, so that the first token need not wait.
    this.#published.keys.load().catch(() => {});
    const { issuer, audience, leewaySeconds = 5 } = options;
    const verifier = publishedKeyVerifier(this.#published, {
      leewaySeconds,
      requiredClaims: ["exp", "jti"],
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    });
    return this.#bound(ownTokenAuthenticator({ ...options, users: this.#questions }, verifier));
  }

  apiKey<P = Principal>(options: KeyAuthenticatorOptions<P> = {}): Authenticator<P> {
    return this.#bound(keyAuthenticator(options, this.#questions));
  }

  ready(timeoutMs = 10_000): Promise<void> {
    return this.#watch.ready(timeoutMs);
  }

  async close(): Promise<void> {
    try {
      await this.#reports.close();
    } finally {
      await this.#watch.close();
    }
  }

  /** With another view nothing would ever be revoked. */
  #bound<P>(authenticator: Authenticator<P>): Authenticator<P> {
    return Object.freeze({
      ...authenticator,
      start: (runtime: AuthRuntime) => {
        if (runtime.revocations !== this.revocations || runtime.roles !== this.roles) {
          throw new TypeError(
            "createAuth() needs `revocations` and `roles` of the remote whose authenticators it is given",
          );
        }
        return authenticator.start(runtime);
      },
    });
  }
}

function ignoringFaults(listener: ((error: Error) => void) | undefined): (error: Error) => void {
  return (error) => {
    try {
      listener?.(error);
    } catch {
      // An observer must not change what a credential is worth.
    }
  };
}
