import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { createAuth } from "./auth.ts";
import { allow, deny } from "./decision.ts";
import { admitted, fakeAuthenticator, fakeCall, principal } from "./fakes.suite.ts";
import { policyFor } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { withRequest } from "./request-guard.ts";
import { createRevocations } from "./revocation.ts";
import { type Renewer, streamHeader } from "./stream-renewal.ts";

const id = "a".repeat(22);
const gathered = 50;

/** Tokens such as `ada/session1/2000`: of whom, of which session, and when it ends. */
function setup(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 0 });
  const revocations = createRevocations();
  const byText = fakeAuthenticator((value, runtime) => {
    const [userId = "", sessionId = "", end = "0"] = value.split("/");
    const verdict = runtime.revocations.check({ userId, sessionId }, 0);
    if (verdict !== "good") return deny("TOKEN_REVOKED");
    if (Number(end) <= Date.now()) return deny("TOKEN_EXPIRED");
    const permissions = new Set(end.endsWith("7") ? [] : ["own"]);
    return allow(principal({ userId, sessionId, permissions }), "fake", Number(end));
  });
  const { routes, allOf } = policyFor<Principal>();
  const hasOwn = (caller: Principal) => caller.permissions.has("own");
  const auth = createAuth<Principal>({
    authenticators: [byText],
    revocations,
    policy: [
      routes({
        "GET /stream": "authenticated",
        "GET /own": hasOwn,
        "GET /there": allOf(hasOwn, (_caller, call) => call.header("x-region")[0] === "here"),
        "GET /asked": withRequest((_caller, request: { mine: boolean }) => request.mine),
        "POST /renew": "authenticated",
      }),
    ],
  });
  const renewer = (token: string, headers: Readonly<Record<string, string>> = {}): Renewer<Principal> => {
    const call = fakeCall("POST /renew", { "x-fake": token, ...headers });
    const { principal: caller, authenticator } = admitted(auth.decide(call) as never);
    return { call, principal: caller as Principal, authenticator };
  };
  return {
    auth,
    revocations,
    open(token: string, path = "GET /stream", headers: Readonly<Record<string, string | string[]>> = {}) {
      const call = fakeCall(path, { "x-fake": token, [streamHeader]: id, ...headers });
      const ended: string[] = [];
      const decision = admitted(auth.decide(call) as never);
      const judged = auth.needsRequest(path)
        ? auth.judgeRequest(call, decision as never, { mine: true })
        : decision;
      const stop = auth.watch(call, admitted(judged as never), ({ reason, cutOff }) =>
        ended.push(`${reason} ${cutOff}`),
      );
      return { ended, stop };
    },
    renew: async (token: string, headers?: Readonly<Record<string, string>>, name = id) => {
      const renewal = await auth.renewStream(name, renewer(token, headers));
      if (renewal === undefined) return "none";
      return renewal.ok ? renewal.expiresAt : renewal.denial.reason;
    },
  };
}

describe("a stream that is renewed", () => {
  it("lives for three lifetimes, and ends with the last one", async (t) => {
    const { open, renew } = setup(t);
    const { ended } = open("ada/s1/1000");
    for (const end of [2000, 3000]) {
      t.mock.timers.tick(900);
      assert.equal(await renew(`ada/s1/${end}`), end);
    }
    t.mock.timers.tick(1100);
    assert.deepEqual(ended, []);
    t.mock.timers.tick(101);
    assert.deepEqual(ended, ["TOKEN_EXPIRED true"]);
    assert.equal(await renew("ada/s1/9000"), "none");
  });

  it("is found by whom it belongs to and by nobody else, in no other session and under no other name", async (t) => {
    const { open, renew } = setup(t);
    open("ada/s1/1000");
    assert.equal(await renew("eve/s1/5000"), "none");
    assert.equal(await renew("ada/s2/5000"), "none");
    assert.equal(await renew("ada/s1/5000", {}, "b".repeat(22)), "none");
    assert.equal(await renew("ada/s1/5000", {}, "short"), "none");
    assert.equal(await renew("ada/s1/5000"), 5000);
  });

  it("is not the renewal itself, which may have the stream's name for a balancer", async (t) => {
    const { open, renew, auth } = setup(t);
    const call = fakeCall("POST /renew", { "x-fake": "ada/s1/5000", [streamHeader]: id });
    const decision = admitted(auth.decide(call) as never);
    const renewer = { call, principal: decision.principal as Principal, authenticator: "fake" };
    const stop = auth.watch(call, decision as never, () => {});
    assert.equal(await auth.renewStream(id, renewer), undefined);
    stop();
    open("ada/s1/1000");
    assert.equal(await renew("ada/s1/5000", { [streamHeader]: id }), 5000);
  });

  it("is not renewed where its name is too short to be a secret, or there are two", async (t) => {
    for (const name of ["short", "a".repeat(65), "a b".repeat(10), [id, id]]) {
      const { open, renew, auth } = setup(t);
      const { stop } = open("ada/s1/1000", "GET /stream", { [streamHeader]: name });
      assert.equal(await renew("ada/s1/5000", {}, [name].flat()[0]), "none", String(name));
      assert.ok(auth);
      stop();
      t.mock.timers.reset();
    }
  });

  it("keeps its name from another one of the same caller's, until it is over", async (t) => {
    const { open, renew } = setup(t);
    const first = open("ada/s1/1000");
    const second = open("ada/s1/1000");
    await renew("ada/s1/2000");
    t.mock.timers.tick(1001);
    assert.deepEqual([first.ended, second.ended], [[], ["TOKEN_EXPIRED true"]]);
    first.stop();
    assert.equal(await renew("ada/s1/3000"), "none");
  });

  it("is cut off when what it goes on with is revoked, and not when the first one is", async (t) => {
    const { open, renew, revocations } = setup(t);
    const { ended } = open("ada/s1/1000");
    await renew("ada/s1/5000");
    revocations.apply({ kind: "token", issuer: "", jti: "first", expiresAt: 10_000 });
    t.mock.timers.tick(gathered);
    assert.deepEqual(ended, []);
    revocations.apply({ kind: "session", sessionId: "s1", expiresAt: 10_000 });
    t.mock.timers.tick(gathered);
    assert.deepEqual(ended, ["TOKEN_REVOKED true"]);
  });

  it("has to pass its own rule with the new credential, and stays as it was where it does not", async (t) => {
    const { open, renew } = setup(t);
    const { ended } = open("ada/s1/1000", "GET /own");
    assert.equal(await renew("ada/s1/2007"), "PERMISSION_DENIED");
    assert.deepEqual(ended, []);
    t.mock.timers.tick(1001);
    assert.deepEqual(ended, ["TOKEN_EXPIRED true"]);
  });

  it("takes the credential from the renewal, and everything else from itself", async (t) => {
    const { open, renew } = setup(t);
    const { ended } = open("ada/s1/1000", "GET /there", { "x-region": "here" });
    assert.equal(await renew("ada/s1/2000", { "x-region": "elsewhere" }), 2000);
    t.mock.timers.tick(1500);
    assert.deepEqual(ended, []);
  });

  it("is judged by the request that it began with", async (t) => {
    const { open, renew } = setup(t);
    const { ended } = open("ada/s1/1000", "GET /asked");
    assert.equal(await renew("ada/s1/2000"), 2000);
    t.mock.timers.tick(1500);
    assert.deepEqual(ended, []);
  });

  it("goes on until the later one of the two ends", async (t) => {
    const { open, renew } = setup(t);
    const { ended } = open("ada/s1/3000");
    assert.equal(await renew("ada/s1/2000"), 3000);
    t.mock.timers.tick(2500);
    assert.deepEqual(ended, []);
  });
});
