import {
  type Auth,
  type Authenticator,
  type Call,
  createAuth,
  type Decision,
  type Principal,
  type Revocations,
  type RuleTable,
  type UserSource,
} from "countersign";
import { apiKey, developmentKey, type Pepper, staticApiKey } from "countersign/api-key";
import { jwt } from "countersign/jwt";
import type { Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import type { Signing } from "./signing.ts";

/** Open where reflection is served. */
export const reflectionProcedures = ["grpc.reflection.v1", "grpc.reflection.v1alpha"].map(
  (name) => `/${name}.ServerReflection/ServerReflectionInfo`,
);

export interface AuthenticationParts {
  readonly config: Config;
  readonly store: Store;
  readonly revocations: Revocations;
  readonly signing: Signing | undefined;
  /** The rules of the services that are served. */
  readonly policy: readonly RuleTable<Principal>[];
  readonly onDecision: (decision: Decision<Principal>, call: Call) => void;
}

/** The peppers of the configuration. */
export function peppersOf({ auth, secrets }: Config): readonly [Pepper] {
  if (secrets.pepper === undefined) throw new ConfigError("auth.api_keys.pepper is missing");
  return [{ id: auth.api_keys.pepper_id, secret: secrets.pepper }];
}

/** The `Auth` of this program: API keys, then tokens, then what a developer may add. */
export function createAuthentication({
  config,
  store,
  revocations,
  signing,
  policy,
  onDecision,
}: AuthenticationParts): Auth<Principal> {
  try {
    return createAuth<Principal>({
      authenticators: authenticatorsOf(config, store, signing),
      policy,
      mode: config.auth.mode,
      publicProcedures: publicProceduresOf(config),
      revocations,
      onDecision,
    });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`auth: ${error.message}`);
    throw error;
  }
}

/** What is open besides health checks. */
export function publicProceduresOf({ auth, grpc }: Config): readonly string[] {
  const reflection = grpc.reflection ? reflectionProcedures : [];
  return [...reflection, ...auth.public_methods.filter((name) => !reflection.includes(name))];
}

function authenticatorsOf(
  config: Config,
  store: Store,
  signing: Signing | undefined,
): [Authenticator<Principal>, ...Authenticator<Principal>[]] {
  const { auth, secrets } = config;
  const { header, scheme, prefix } = auth.api_keys;
  const users: UserSource = store.users;
  const authenticators: [Authenticator<Principal>, ...Authenticator<Principal>[]] = [
    apiKey({ keys: store.apiKeys, users, peppers: peppersOf(config), header, scheme, prefix }),
  ];
  const [first, ...rest] = secrets.staticKeys;
  if (first !== undefined) authenticators.push(staticApiKey({ keys: [first, ...rest], header, scheme }));
  if (secrets.developmentKey !== undefined) {
    const firstSuperuser = () => store.users.firstSuperuser();
    authenticators.push(developmentKey({ secret: secrets.developmentKey, firstSuperuser, header }));
  }
  if (signing !== undefined) {
    const { issuer, audience, leeway } = auth.jwt;
    authenticators.push(
      jwt({
        keys: signing.ring,
        users,
        leewaySeconds: leeway,
        header: auth.jwt.header,
        scheme: auth.jwt.scheme,
        requiredClaims: ["exp", "jti"],
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience }),
      }),
    );
  }
  return authenticators;
}
