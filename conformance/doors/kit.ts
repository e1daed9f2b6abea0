import {
  type Auth,
  type Authenticator,
  allowAny,
  type CallContext,
  CallError,
  createAuth,
  deny,
  hasPermission,
  isAuthenticated,
  isStaff,
  isSuperuser,
  type Principal,
  policyFor,
  type RouteGuards,
  type RouteRule,
  type UserSource,
} from "countersign";
import { apiKey } from "countersign/api-key";
import { createKeyRing, hmacKey, jwt } from "countersign/jwt";
import { sqlRevocations } from "countersign/revocation";
import type { Store, UserRecord } from "countersign/store";
import type { Json } from "../protos.ts";
import { developmentSecrets } from "../server-process.ts";
import { openServerStore } from "../server-store.ts";

/** An RPC of the demo service as a function: a door of plain HTTP serves it at its own path, by POST. */
export interface KitRoute extends RouteRule<Principal> {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly run: (request: Json, context: CallContext) => Promise<Json>;
}

/** What a door serves: the demo service with the library alone, on the program's data. */
export interface Kit {
  readonly auth: Auth<Principal>;
  /** What routes need that say nothing themselves. */
  readonly guards: RouteGuards<Principal>;
  readonly routes: readonly KitRoute[];
  readonly users: UserSource;
}

/** A door's server, once it listens. */
export type ServeKit = (kit: Kit) => Promise<{
  /** `127.0.0.1:PORT` of its HTTP, and of its gRPC where it has any. */
  readonly http?: string;
  readonly grpc?: string;
}>;

/** Opens the data of a program that runs, with its secrets. */
export async function openKit(data: string): Promise<Kit> {
  const { jwtSecret, pepper } = developmentSecrets(data);
  const store = await openServerStore(data);
  const auth = createAuth<Principal>({
    authenticators: [
      apiKey({ keys: store.apiKeys, users: store.users, peppers: [{ id: "p1", secret: pepper }] }),
      jwt({
        keys: createKeyRing([hmacKey({ secret: jwtSecret, algorithm: "HS256" })]),
        requiredClaims: ["exp", "jti"],
        users: store.users,
      }),
    ],
    policy: [],
    revocations: await sqlRevocations({ log: store.revocations }),
    onDecision() {
      throw new Error("an observer that fails changes no decision");
    },
  });
  return {
    auth,
    guards: [isAuthenticated],
    routes: [...demoRoutes(store), ...rowRoutes],
    users: store.users,
  };
}

const service = "/api.users.UserService";
const p = policyFor<Principal>();

function demoRoutes({ users }: Store): readonly KitRoute[] {
  const found = (user: UserRecord | undefined): UserRecord => {
    if (user === undefined) throw new CallError("NOT_FOUND", "No such user");
    return user;
  };
  return [
    {
      path: `${service}/GetUser`,
      guards: ["optional"],
      run: async (request, context) => present(found(await users.load(String(request["user_id"]))), context),
    },
    {
      path: `${service}/UpdateProfile`,
      run: async (request, context) => {
        const attributes = { bio: String(request["bio"]) };
        return present(found(await users.update(context.requireUser().userId, { attributes })), context);
      },
    },
    {
      path: `${service}/ListAllUsers`,
      guards: [p.anyOf(isStaff, hasPermission("users:list"))],
      run: async (_request, context) => ({
        users: (await users.list({ limit: 1000 })).map((user) => present(user, context)),
      }),
    },
    {
      path: `${service}/DeleteUser`,
      guards: [isAuthenticated, isSuperuser],
      run: async (request) => {
        if (!(await users.delete(String(request["user_id"]))))
          throw new CallError("NOT_FOUND", "No such user");
        return {};
      },
    },
  ];
}

function present({ id, username }: UserRecord, { principal }: CallContext): Json {
  return { id, username, requested_by: principal?.username ?? "" };
}

/** Refuses with what only a limiter says. */
const limited: Authenticator<Principal> = {
  name: "limited",
  header: "x-limited",
  challenge: undefined,
  unrecognized: () => "API_KEY_INVALID",
  start: () => (value) =>
    value === "quota" ? deny("QUOTA_EXCEEDED") : deny("RATE_LIMITED", { retryAfterSeconds: 7 }),
};

/** Rows of DESIGN's table that no credential leads to. */
const rowRoutes: readonly KitRoute[] = [
  { path: "/rows/open", guards: [allowAny], run: async (_request, { userId }) => ({ caller: userId ?? "" }) },
  { path: "/rows/limited", auth: [limited], run: async () => ({}) },
  { path: "/rows/guard-fails", guards: [() => Promise.reject(new Error("secret"))], run: async () => ({}) },
  { path: "/rows/guard-is-odd", guards: [(() => "yes") as never], run: async () => ({}) },
  {
    path: "/rows/handler-fails",
    guards: [allowAny],
    run: async () => {
      throw new Error("secret");
    },
  },
];
