import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AuthOptions, createAuth } from "./auth.ts";
import { atOnce, byName, fakeCall, principal, reasonOf } from "./fakes.suite.ts";
import { allowAny, isAuthenticated, isStaff, isSuperuser } from "./guards.ts";
import { policyFor } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { withRequest } from "./request-guard.ts";

// Seed 004: authenticators and guards beside each route, and defaults for all of them.

const people = { ada: principal({ userId: "1", isStaff: true }), bob: principal({ userId: "2" }) };
const standard = byName(people);
const key = byName(people, { name: "key", header: "x-key", challenge: "Key" });

const authOf = (options: Partial<AuthOptions<Principal>> = {}) =>
  createAuth<Principal>({ authenticators: [standard], policy: [], ...options });

const outcome = (auth: ReturnType<typeof authOf>, procedure: string, headers: Record<string, string> = {}) =>
  reasonOf(atOnce(auth.decide(fakeCall(procedure, headers))));

describe("a route's guards", () => {
  it("are its rule", () => {
    const auth = authOf();
    auth.serveRoute("GET /a", { guards: [isAuthenticated] });
    auth.serveRoute("GET /b", { guards: [isAuthenticated, isStaff] });
    auth.serveRoute("GET /c", { guards: [allowAny] });
    auth.seal();
    const asked = (headers = {}) =>
      ["GET /a", "GET /b", "GET /c"].map((path) => outcome(auth, path, headers));
    assert.deepEqual(asked(), ["CREDENTIALS_MISSING", "CREDENTIALS_MISSING", "ok"]);
    assert.deepEqual(asked({ "x-fake": "bob" }), ["ok", "PERMISSION_DENIED", "ok"]);
    assert.deepEqual(asked({ "x-fake": "ada" }), ["ok", "ok", "ok"]);
    assert.deepEqual(
      auth
        .rules()
        .filter(({ source }) => source === "route")
        .map(({ rule }) => rule),
      ["isAuthenticated", "allOf(isAuthenticated, isStaff)", "open"],
    );
  });

  it("come before those of the door, which come before the mode", () => {
    const auth = authOf({ mode: "optional" });
    auth.serveRoute("GET /a", { guards: [isStaff], otherwise: [isSuperuser] });
    auth.serveRoute("GET /b", { otherwise: [isSuperuser] });
    auth.serveRoute("GET /c", {});
    const rules = new Map(
      auth.rules().map(({ procedure, rule, source }) => [procedure, `${rule} ${source}`]),
    );
    assert.equal(rules.get("GET /a"), "isStaff route");
    assert.equal(rules.get("GET /b"), "isSuperuser route");
    assert.equal(rules.get("GET /c"), "optional mode");
  });

  it("leave room for the rule of a table, and contradict none", () => {
    const auth = authOf({
      policy: [policyFor<Principal>().routes({ "GET /a": isStaff, "GET /b": isStaff })],
    });
    auth.serveRoute("GET /a", { otherwise: ["open"] });
    assert.equal(outcome(auth, "GET /a"), "CREDENTIALS_MISSING");
    assert.throws(() => auth.serveRoute("GET /b", { guards: ["open"] }), /two rules for GET \/b/);
  });

  it("stop the start where they are missing, empty, or no guards", () => {
    const auth = authOf();
    const given = (guards: unknown) => () => auth.serveRoute("GET /x", { guards } as never);
    assert.throws(() => auth.serveRoute("GET /a", {}), /no rule for GET \/a/);
    for (const wrong of [[], null, isStaff, "open"]) assert.throws(given(wrong), TypeError);
    for (const wrong of [
      [undefined],
      ["opne"],
      [true],
      [isStaff, "open"],
      ["open", "open"],
      [isStaff, undefined],
    ])
      assert.throws(given(wrong), TypeError, JSON.stringify(wrong));
    assert.equal(outcome(auth, "GET /x", { "x-fake": "ada" }), "PERMISSION_DENIED");
  });

  it("may need the request only where the door shows it", () => {
    const auth = authOf();
    const guards = [withRequest<Principal, object>(() => true)] as const;
    assert.throws(() => auth.serveRoute("GET /a", { guards }), /names the request/);
    auth.serveRoute("GET /b", { guards, decoded: true });
  });
});

describe("a route's authenticators", () => {
  const auth = authOf({ mode: "required" });
  auth.serveRoute("GET /own", { auth: [key] });
  auth.serveRoute("GET /both", { auth: [key, standard], guards: [isStaff] });
  auth.serveRoute("GET /all", {});

  it("stand in place of those of the Auth, and leave the rule as it is", () => {
    assert.equal(outcome(auth, "GET /own"), "CREDENTIALS_MISSING");
    assert.equal(outcome(auth, "GET /own", { "x-key": "bob" }), "ok");
    assert.equal(outcome(auth, "GET /own", { "x-fake": "bob" }), "CREDENTIALS_MISSING");
    assert.equal(outcome(auth, "GET /own", { "x-key": "eve" }), "TOKEN_INVALID");
    assert.equal(outcome(auth, "GET /all", { "x-key": "bob" }), "CREDENTIALS_MISSING");
    assert.equal(outcome(auth, "GET /all", { "x-fake": "bob" }), "ok");
  });

  it("are asked in order, and two credentials are refused", () => {
    assert.equal(outcome(auth, "GET /both", { "x-key": "ada" }), "ok");
    assert.equal(outcome(auth, "GET /both", { "x-fake": "bob" }), "PERMISSION_DENIED");
    assert.equal(outcome(auth, "GET /both", { "x-fake": "ada", "x-key": "ada" }), "CREDENTIALS_AMBIGUOUS");
  });

  it("are named in the challenge, and to whoever asks", () => {
    const decision = atOnce(auth.decide(fakeCall("GET /own")));
    assert.ok(!decision.ok);
    assert.deepEqual(decision.denial.challenges, ["Key"]);
    assert.deepEqual(auth.authenticatorsOf("GET /both"), [key, standard]);
    assert.deepEqual(auth.authenticatorsOf("GET /all"), [standard]);
  });

  it("cannot be given twice, nor be none", () => {
    assert.throws(() => auth.serveRoute("GET /all", { auth: [key] }), /two lists of authenticators/);
    assert.throws(() => auth.serveRoute("GET /none", { auth: [] as never }), TypeError);
  });

  it("are started once, however many routes they stand beside", () => {
    let starts = 0;
    const start = () => {
      starts++;
      return () => undefined;
    };
    const counted = { ...key, start };
    const many = authOf({ mode: "required" });
    for (const path of ["/a", "/b", "/c"]) many.serveRoute(`GET ${path}`, { auth: [counted] });
    assert.equal(starts, 1);
  });
});
