import assert from "node:assert/strict";
import { it } from "node:test";
import { createAuth } from "./auth.ts";
import type { Call } from "./call.ts";
import type { Decision } from "./decision.ts";
import { admitted, atOnce, byName, fakeCall, principal, reasonOf } from "./fakes.suite.ts";
import { allOf, anyOf, type Guard, not } from "./guard.ts";
import { isStaff } from "./guards.ts";
import { policyFor } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { needsRequest, withRequest } from "./request-guard.ts";
import { createRevocations } from "./revocation.ts";

const path = "/acme.Orders/Update";
const people = {
  ann: principal({ userId: "1" }),
  bob: principal({ userId: "2" }),
  sam: principal({ isStaff: true }),
};
const owner = withRequest(
  (user: Principal, request: { readonly userId: string }) => user.userId === request.userId,
);

function authWith(rule: Guard<Principal>, told: string[] = []) {
  const auth = createAuth<Principal>({
    authenticators: [byName(people)],
    policy: [new Map([[path, rule]])],
    onDecision: (decision) => void told.push(reasonOf(decision)),
  });
  const call = (who: string): Call => fakeCall(path, { "x-fake": who });
  const judge = async (who: string, message: unknown): Promise<string> => {
    const theCall = call(who);
    const decision = atOnce(auth.decide(theCall));
    return decision.ok ? reasonOf(await auth.judgeRequest(theCall, decision, message)) : reasonOf(decision);
  };
  return { auth, call, judge, told };
}

it("lets the owner or staff pass, and nobody else", async () => {
  const { judge } = authWith(anyOf(owner, isStaff));
  assert.equal(await judge("ann", { userId: "1" }), "ok");
  assert.equal(await judge("bob", { userId: "1" }), "PERMISSION_DENIED");
  assert.equal(await judge("sam", { userId: "9" }), "ok");
});

it("is asked after everything that can be told from the headers", async () => {
  let asked = 0;
  const counting = withRequest<Principal, unknown>(() => ++asked > 0);
  const { judge, auth, call } = authWith(allOf(counting, isStaff));
  assert.equal(await judge("bob", {}), "PERMISSION_DENIED");
  assert.equal(asked, 0);
  assert.equal(await judge("sam", {}), "ok");
  assert.equal(asked, 1);
  assert.ok(auth.needsRequest(path));
  assert.ok(!auth.needsRequest("/acme.Orders/Other"));
  assert.equal(admitted(atOnce(auth.decide(call("sam")))).principal, people.sam);
});

it("is one decision, told once", async () => {
  const { judge, told } = authWith(owner);
  await judge("ann", { userId: "1" });
  await judge("bob", { userId: "1" });
  await judge("nobody", { userId: "1" });
  assert.deepEqual(told, ["ok", "PERMISSION_DENIED", "TOKEN_INVALID"]);
});

it("fails closed: a throw, a rejection, anything but true, or a request that never came", async () => {
  const answers: readonly (() => unknown)[] = [
    () => {
      throw new Error("broken");
    },
    () => Promise.reject(new Error("broken")),
  ];
  for (const answer of answers) {
    assert.equal(await authWith(withRequest(answer as () => boolean)).judge("ann", {}), "UNAVAILABLE");
  }
  for (const answer of [1, "true", undefined, Promise.resolve(1)]) {
    const { judge } = authWith(withRequest((() => answer) as unknown as () => boolean));
    assert.equal(await judge("ann", {}), "PERMISSION_DENIED");
  }
  assert.throws(() => owner(people.ann, fakeCall(path)), /needs the request/);
  const hidden: Guard<Principal> = (user, call) => owner(user, call);
  const { auth, call } = authWith(hidden);
  assert.equal(reasonOf(atOnce(auth.decide(call("ann")))), "UNAVAILABLE", "a wrapper that hides it");
});

it("is found wherever it stands in a rule", () => {
  for (const guard of [owner, not(owner), anyOf(isStaff, allOf(isStaff, not(owner)))])
    assert.ok(needsRequest(guard));
  assert.ok(!needsRequest(anyOf(isStaff, not(isStaff))));
  assert.ok(needsRequest(policyFor<Principal>().withRequest<{ a: string }>((_user, { a }) => a === "")));
});

it("stops the start of a door that does not show it", () => {
  assert.throws(
    () => authWith(anyOf(isStaff, owner)).auth.serve([path]),
    /the rule of \/acme\.Orders\/Update names the request/,
  );
  authWith(anyOf(isStaff, owner)).auth.serve([path], { decoded: [path] });
  authWith(isStaff).auth.serve([path]);
});

it("asks nothing where authentication runs nowhere", async () => {
  const auth = createAuth<Principal>({
    authenticators: [byName(people)],
    policy: [new Map([[path, owner]])],
    mode: "disabled",
  });
  const call = fakeCall(path);
  assert.ok(!auth.needsRequest(path));
  assert.ok((await auth.judgeRequest(call, admitted(atOnce(auth.decide(call))), {})).ok);
});

it("is asked again, with the same request, while a call is open", async () => {
  let owns = true;
  const revocations = createRevocations();
  const auth = createAuth<Principal>({
    authenticators: [byName(people)],
    policy: [new Map([[path, withRequest((_user, request: string) => owns && request === "mine")]])],
    revocations,
  });
  const call = fakeCall(path, { "x-fake": "ann" });
  const decision = admitted(atOnce(auth.decide(call)));
  assert.ok((await auth.judgeRequest(call, decision, "mine")).ok);
  const ended = new Promise<string>((resolve) => auth.watch(call, decision, ({ reason }) => resolve(reason)));
  owns = false;
  revocations.apply({ kind: "token", issuer: "", jti: "1", expiresAt: 4_000_000_000 });
  assert.equal(await ended, "PERMISSION_DENIED");
});

it("tells its own text", async () => {
  const { auth, call } = authWith(
    withRequest(() => false, { denialMessage: "You can only update your own orders" }),
  );
  const theCall = call("ann");
  const judged: Decision<Principal> = await auth.judgeRequest(
    theCall,
    admitted(atOnce(auth.decide(theCall))),
    {},
  );
  assert.ok(!judged.ok);
  assert.equal(judged.denial.message, "You can only update your own orders");
});
