import {
  type Auth,
  type Authenticator,
  type Call,
  createAuth,
  type Decision,
  hasPermission,
  isStaff,
  isSuperuser,
  type Principal,
  policyFor,
  type Revocations,
  type RoleDirectory,
  type RuleTable,
  type UserSource,
} from "countersign";
import { apiKey, developmentKey, type Pepper, staticApiKey } from "countersign/api-key";
import { jwt } from "countersign/jwt";
import { UserService as AccountService, ApiKeyService, AuthService, RoleService } from "countersign/service";
import type { Store } from "countersign/store";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { UserService as DemoUserService } from "./gen/api/users/users_pb.ts";
import type { Signing } from "./signing.ts";

const p = policyFor<Principal>();

const reads = hasPermission("auth.users:read");
const writes = hasPermission("auth.users:write");
const readsRoles = hasPermission("auth.roles:read");
const writesRoles = hasPermission("auth.roles:write");

/** The rules of every service that this program can serve, by the service's full name. */
export const ruleTables: Readonly<Record<string, RuleTable<Principal>>> = Object.freeze({
  [AccountService.typeName]: p.rules(AccountService, {
    createUser: writes,
    getUser: reads,
    listUsers: reads,
    updateUser: writes,
    disableUser: writes,
    enableUser: writes,
    deleteUser: writes,
    setPassword: writes,
  }),
  [AuthService.typeName]: p.rules(AuthService, {
    login: "open",
    refreshToken: "open",
    logout: "authenticated",
    logoutAll: "authenticated",
    whoAmI: "authenticated",
    listSessions: "authenticated",
    revokeSession: "authenticated",
    changePassword: "authenticated",
    enrollTotp: "authenticated",
    confirmTotp: "authenticated",
    disableTotp: "authenticated",
    validateApiKey: hasPermission("auth.keys:validate"),
  }),
  // Whose keys a caller may manage is looked at where the key is known.
  [ApiKeyService.typeName]: p.rules(ApiKeyService, {
    createApiKey: "authenticated",
    listApiKeys: "authenticated",
    getApiKey: "authenticated",
    revokeApiKey: "authenticated",
  }),
  [RoleService.typeName]: p.rules(RoleService, {
    createRole: writesRoles,
    getRole: readsRoles,
    listRoles: readsRoles,
    updateRole: writesRoles,
    deleteRole: writesRoles,
    assignRole: writesRoles,
    unassignRole: writesRoles,
    // One's own, and others' with the permission: looked at where it is known who is meant.
    getUserRoles: "authenticated",
    listUserPermissions: "authenticated",
  }),
  [DemoUserService.typeName]: p.rules(DemoUserService, {
    getUser: "optional",
    updateProfile: "authenticated",
    listAllUsers: p.anyOf(isStaff, hasPermission("users:list")),
    deleteUser: isSuperuser,
    watchUsers: "authenticated",
    upload: "authenticated",
    chat: "authenticated",
  }),
});

const reflectionProcedures = ["grpc.reflection.v1", "grpc.reflection.v1alpha"].map(
  (name) => `/${name}.ServerReflection/ServerReflectionInfo`,
);

export interface AuthenticationParts {
  readonly config: Config;
  readonly store: Store;
  readonly revocations: Revocations;
  /** Needed for calls; a report of the rules does without. */
  readonly roles?: RoleDirectory | undefined;
  readonly signing: Signing | undefined;
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
  roles,
  signing,
  onDecision,
}: AuthenticationParts): Auth<Principal> {
  const { auth, services } = config;
  const tables = services.map((name) => ruleTables[name]).filter((table) => table !== undefined);
  const reflection = config.grpc.reflection ? reflectionProcedures : [];
  try {
    return createAuth<Principal>({
      authenticators: authenticatorsOf(config, store, signing),
      policy: tables,
      mode: auth.mode,
      publicProcedures: [...reflection, ...auth.public_methods.filter((name) => !reflection.includes(name))],
      revocations,
      roles,
      onDecision,
    });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`auth: ${error.message}`);
    throw error;
  }
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
