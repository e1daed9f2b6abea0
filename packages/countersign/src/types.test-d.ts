/*
 * What must compile, and what must not: checked by tsc, never run. Each `@ts-expect-error` is itself an error if the
 * line below it compiles.
 */

import type { GenService } from "@bufbuild/protobuf/codegenv2";
import type { EmptySchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { staticApiKey } from "./api-key.ts";
import { connectListener } from "./connect/node.ts";
import { connectAuth, implement as implementForConnect } from "./connect.ts";
import type { CallContext } from "./context/call-context.ts";
import { grpcAuth, implement } from "./grpc.ts";
import { expressAuth } from "./http/express.ts";
import { fetchAuth } from "./http/fetch.ts";
import {
  type Allowed,
  type Auth,
  type Authenticator,
  allOf,
  anyOf,
  createAuth,
  type Decision,
  type Guard,
  hasPermission,
  isStaff,
  not,
  type Principal,
  policyFor,
  type Reason,
  type RuleTable,
} from "./index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type IsAny<T> = 0 extends 1 & T ? true : false;
function holds<_T extends true>(): void {}

interface Member extends Principal {
  readonly tenant: string;
}
declare const authenticator: Authenticator<Principal>;
declare const memberAuthenticator: Authenticator<Member>;
declare const service: GenService<{
  login: { methodKind: "unary"; input: typeof StringValueSchema; output: typeof StringValueSchema };
  logout: { methodKind: "unary"; input: typeof EmptySchema; output: typeof EmptySchema };
}>;
declare const definition: {
  readonly Get: { readonly path: string };
  readonly Put: { readonly path: string };
};
declare const decision: Decision<Member>;
declare const auth: Auth<Member>;
declare const isTenant: Guard<Member>;

const { rules, routes } = policyFor<Principal>();
const member = policyFor<Member>();

// A rule for each RPC, of a descriptor and of a definition.
holds<Equal<ReturnType<typeof complete>, RuleTable<Principal>>>();
function complete() {
  return rules(service, { login: "open", logout: "authenticated" });
}
rules(definition, { Get: "open", Put: isStaff });

// @ts-expect-error logout has no rule
rules(service, { login: "open" });
// @ts-expect-error Put has no rule
rules(definition, { Get: "open" });
// @ts-expect-error there is no such RPC
rules(service, { login: "open", logout: "authenticated", signup: "open" });
// @ts-expect-error there is no such RPC
rules(definition, { Get: "open", Put: "open", Patch: "open" });
// @ts-expect-error no such word
rules(definition, { Get: "open", Put: "public" });
// @ts-expect-error undefined is no rule
rules(definition, { Get: "open", Put: undefined });
// @ts-expect-error a route has a method and a path
routes({ "/orders": "open" });

// Guards fit the principal, and a conjunction has a guard.
member.rules(definition, {
  Get: isTenant,
  Put: member.allOf(isTenant, isStaff, ({ tenant }) => tenant === "acme"),
});
member.rules(definition, { Get: hasPermission("a:b"), Put: not(anyOf(isStaff, isTenant)) });
// @ts-expect-error a Principal has no tenant
rules(definition, { Get: isTenant, Put: "open" });
// @ts-expect-error a Principal has no tenant
rules(definition, { Get: (principal) => principal.tenant === "acme", Put: "open" });
// @ts-expect-error of nothing
allOf();
// @ts-expect-error of nothing
anyOf();
// @ts-expect-error of nothing
member.allOf();
// @ts-expect-error of nothing
not();
// @ts-expect-error a guard answers with a boolean
rules(definition, { Get: () => 1, Put: "open" });
// @ts-expect-error a guard answers with a boolean
rules(definition, { Get: async () => "yes", Put: "open" });

// An Auth needs an authenticator, of its own principal.
createAuth({ authenticators: [authenticator], policy: [] });
createAuth<Member>({
  authenticators: [memberAuthenticator],
  policy: [member.rules(definition, { Get: "open", Put: "open" })],
});
// @ts-expect-error at least one authenticator
createAuth<Principal>({ authenticators: [], policy: [] });
// @ts-expect-error the policy is not optional
createAuth<Principal>({ authenticators: [authenticator] });
// @ts-expect-error no such mode
createAuth<Principal>({ authenticators: [authenticator], policy: [], mode: "off" });
// @ts-expect-error this one does not make Members
createAuth<Member>({ authenticators: [authenticator], policy: [] });
// @ts-expect-error at least one key
staticApiKey({ keys: [] });

// Decisions: nothing of a principal before they are asked whether they are one; reasons are a closed union.
// @ts-expect-error not before it is known to be allowed
decision.principal;
if (decision.ok) {
  holds<Equal<typeof decision, Allowed<Member>>>();
  holds<Equal<typeof decision.principal, Member | undefined>>();
  // @ts-expect-error may be anonymous
  decision.principal.tenant;
} else {
  holds<Equal<typeof decision.denial.reason, Reason>>();
}
// @ts-expect-error no such reason
const reason: Reason = "NOPE";
holds<Equal<IsAny<typeof reason>, false>>();

// Nothing is `any`: every check above would pass by itself.
holds<Equal<IsAny<ReturnType<typeof auth.decide>>, false>>();
holds<Equal<IsAny<Parameters<Guard<Member>>[0]>, false>>();
holds<Equal<Parameters<Guard<Member>>[0], Member>>();
holds<Equal<IsAny<Principal["claims"][string]>, false>>();

// On grpc-js, the caller is of the Auth's principal type, and every method is implemented with its own types.
const rpc = grpcAuth(auth);
declare const call: Parameters<typeof rpc.principal>[0];
holds<Equal<ReturnType<typeof rpc.principal>, Member | undefined>>();
holds<Equal<ReturnType<ReturnType<typeof rpc.context>["requireUser"]>, Member>>();
holds<Equal<ReturnType<ReturnType<typeof rpc.context>["abortPermissionDenied"]>, never>>();
rpc.context(call).requireStaff().tenant satisfies string;

implement(service, {
  login(request, context) {
    holds<Equal<IsAny<typeof request>, false>>();
    holds<Equal<typeof context, CallContext>>();
    return { value: request.value };
  },
  logout: async () => ({}),
}).definition satisfies ServiceDefinition;
// @ts-expect-error logout is not implemented
implement(service, { login: () => ({}) });
// @ts-expect-error the answer has no such field
implement(service, { login: () => ({ token: "x" }), logout: () => ({}) });

// On Connect as on grpc-js.
const guard = connectAuth(auth);
declare const handler: Parameters<typeof guard.principal>[0];
holds<Equal<ReturnType<typeof guard.principal>, Member | undefined>>();
guard.context(handler).requireStaff().tenant satisfies string;
connectListener(guard, {
  routes(router) {
    router.service(
      service,
      implementForConnect(service, {
        login(request, context) {
          holds<Equal<IsAny<typeof request>, false>>();
          holds<Equal<typeof context, CallContext>>();
          return { value: request.value };
        },
        logout: async () => ({}),
      }),
    );
  },
});
// @ts-expect-error logout is not implemented
implementForConnect(service, { login: () => ({}) });
// @ts-expect-error routes are not optional
guard.protect({});
// @ts-expect-error a listener has no routes that no guard stands before
connectListener({ routes() {} });

// Routes of HTTP: the caller is of the application's type, and a route's guards are guards of it.
const memberRoutes = expressAuth(auth).router();
memberRoutes.get("/a", { guards: [isTenant] }, ({ context }) => {
  holds<Equal<typeof context.principal, Member | undefined>>();
});
memberRoutes.get("/a", ({ context }) => holds<Equal<IsAny<typeof context>, false>>());
fetchAuth(auth).handler({ "GET /a": { guards: ["open"], handle: () => new Response() } });
// @ts-expect-error no guard at all is not "anyone may"
memberRoutes.get("/a", { guards: [] }, () => {});
// @ts-expect-error a word is a rule by itself
memberRoutes.get("/a", { guards: ["open", isTenant] }, () => {});
const plainRoutes = expressAuth(
  createAuth<Principal>({ authenticators: [authenticator], policy: [] }),
).router();
// @ts-expect-error a guard of another type of caller
plainRoutes.get("/a", { guards: [isTenant] }, () => {});
// @ts-expect-error no authenticator at all
memberRoutes.get("/a", { auth: [] }, () => {});
// @ts-expect-error a route without a handler
fetchAuth(auth).handler({ "GET /a": { guards: ["open"] } });
