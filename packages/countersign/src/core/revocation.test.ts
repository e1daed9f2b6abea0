import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { everyone } from "./cuts.ts";
import {
  createRevocations,
  type RevocationEvent,
  type RevocationSubject,
  type Verdict,
} from "./revocation.ts";

const later = 2_000_000_000;

// Verdicts

const cases: [RevocationEvent, RevocationSubject, Verdict][] = [
  [{ kind: "token", issuer: "i", jti: "t", expiresAt: later }, { issuer: "i", jti: "t" }, "token-revoked"],
  [{ kind: "token", issuer: "i", jti: "t", expiresAt: later }, { issuer: "other", jti: "t" }, "good"],
  [{ kind: "token", issuer: "i", jti: "t", expiresAt: later }, { issuer: "i" }, "good"],
  [{ kind: "token", issuer: "", jti: "t", expiresAt: later }, { jti: "t" }, "token-revoked"],
  [{ kind: "session", sessionId: "s", expiresAt: later }, { sessionId: "s" }, "token-revoked"],
  [{ kind: "session", sessionId: "s", expiresAt: later }, { jti: "s" }, "good"],
  [{ kind: "signing-key", kid: "k", expiresAt: later }, { kid: "k" }, "token-revoked"],
  [{ kind: "signing-key", kid: "k", expiresAt: later }, { keyId: "k", sessionId: "k" }, "good"],
  [{ kind: "key", keyId: "k", state: "revoked" }, { keyId: "k" }, "key-revoked"],
  [{ kind: "key", keyId: "k", state: "changed" }, { keyId: "k" }, "stale"],
  [{ kind: "user", userId: "u", state: "disabled" }, { userId: "u" }, "user-disabled"],
  [{ kind: "user", userId: "u", state: "disabled" }, { userId: "u", keyId: "k" }, "user-disabled"],
  [{ kind: "user", userId: "u", state: "enabled" }, { userId: "u" }, "stale"],
  [{ kind: "user", userId: "u", state: "changed" }, { userId: "v" }, "good"],
  [
    { kind: "issued-before", userId: "u", before: 100, expiresAt: later },
    { userId: "u", issuedAt: 99 },
    "token-revoked",
  ],
  [
    { kind: "issued-before", userId: "u", before: 100, expiresAt: later },
    { userId: "u", issuedAt: 100 },
    "good",
  ],
  [
    { kind: "issued-before", userId: "u", before: 100, expiresAt: later },
    { userId: "u", keyId: "k" },
    "good",
  ],
];
for (const [event, subject, verdict] of cases) {
  it(`${JSON.stringify(event)} makes ${JSON.stringify(subject)} ${verdict}`, () => {
    const view = createRevocations();
    assert.equal(view.check(subject, view.version), "good");
    view.apply(event);
    assert.equal(view.check(subject, 0), verdict);
  });
}

it("what was issued to anybody before an instant is refused, until that expires", () => {
  const view = createRevocations();
  view.apply({ kind: "issued-before", userId: everyone, before: 100, expiresAt: 1000 });
  for (const subject of [{ userId: "u" }, { sessionId: "s", userId: "u" }, {}])
    assert.equal(view.check({ ...subject, issuedAt: 99 }, view.version), "token-revoked");
  assert.equal(view.check({ userId: "u", issuedAt: 100 }, view.version), "good");
  assert.equal(view.check({ userId: "u", keyId: "k" }, view.version), "good");
  view.apply({ kind: "issued-before", userId: everyone, before: 50, expiresAt: 10 });
  view.prune(1059);
  assert.equal(view.check({ userId: "u", issuedAt: 99 }, view.version), "token-revoked");
  view.prune(1060);
  assert.equal(view.check({ userId: "u", issuedAt: 99 }, view.version), "good");
});

it("what was issued to anybody outside a session is refused, and sessions stay", () => {
  const view = createRevocations();
  view.apply({ kind: "issued-before", userId: everyone, before: 100, expiresAt: 1000, sparesSessions: true });
  assert.equal(view.check({ userId: "u", issuedAt: 99 }, view.version), "token-revoked");
  assert.equal(view.check({ userId: "u", issuedAt: 99, sessionId: "s" }, view.version), "good");
});

it("what was read after a change is good", () => {
  const view = createRevocations();
  view.apply({ kind: "user", userId: "u", state: "changed" });
  assert.equal(view.check({ userId: "u" }, view.version), "good");
  assert.equal(view.check({ userId: "u" }, view.version - 1), "stale");
});

it("REGRESSION: a disabled user who is changed is still disabled, until enabled", () => {
  const view = createRevocations();
  view.apply({ kind: "user", userId: "u", state: "disabled" });
  view.apply({ kind: "user", userId: "u", state: "changed" });
  assert.equal(view.check({ userId: "u" }, view.version), "user-disabled");
  view.apply({ kind: "user", userId: "u", state: "enabled" });
  assert.equal(view.check({ userId: "u" }, view.version), "good");
  view.apply({ kind: "user", userId: "u", state: "changed" });
  assert.equal(view.check({ userId: "u" }, view.version), "good");
});

it("REGRESSION: a revoked key stays revoked", () => {
  const view = createRevocations();
  view.apply({ kind: "key", keyId: "k", state: "revoked" }, { kind: "key", keyId: "k", state: "changed" });
  assert.equal(view.check({ keyId: "k" }, view.version), "key-revoked");
});

it("REGRESSION: a later and weaker entry does not shorten an earlier one", () => {
  const view = createRevocations();
  view.apply(
    { kind: "token", issuer: "i", jti: "t", expiresAt: 1000 },
    { kind: "token", issuer: "i", jti: "t", expiresAt: 10 },
    { kind: "session", sessionId: "s", expiresAt: 1000 },
    { kind: "session", sessionId: "s", expiresAt: 10 },
    { kind: "issued-before", userId: "u", before: 200, expiresAt: 10 },
    { kind: "issued-before", userId: "u", before: 100, expiresAt: 1000 },
  );
  view.prune(500);
  assert.equal(view.check({ issuer: "i", jti: "t" }, view.version), "token-revoked");
  assert.equal(view.check({ sessionId: "s" }, view.version), "token-revoked");
  assert.equal(view.check({ userId: "u", issuedAt: 50 }, view.version), "token-revoked");
});

describe("prune()", () => {
  it("REGRESSION: keeps an entry for as long as a verifier with leeway accepts the token, and no longer", () => {
    const view = createRevocations();
    view.apply(
      { kind: "token", issuer: "i", jti: "t", expiresAt: 1000 },
      { kind: "session", sessionId: "s", expiresAt: 1000 },
      { kind: "issued-before", userId: "u", before: 100, expiresAt: 1000 },
      { kind: "user", userId: "v", state: "disabled" },
    );
    const revoked = () =>
      [{ issuer: "i", jti: "t" }, { sessionId: "s" }, { userId: "u", issuedAt: 1 }, { userId: "v" }].map(
        (subject) => view.check(subject, view.version) !== "good",
      );
    view.prune(1059);
    assert.deepEqual(revoked(), [true, true, true, true]);
    view.prune(1060);
    assert.deepEqual(revoked(), [false, false, false, true]);
  });
});

describe("flush(), suspend() and resume()", () => {
  it("flush() makes stale what was read before, forgets no token, session or disabled user", () => {
    const view = createRevocations();
    view.apply(
      { kind: "token", issuer: "i", jti: "t", expiresAt: later },
      { kind: "session", sessionId: "s", expiresAt: later },
      { kind: "user", userId: "u", state: "disabled" },
    );
    const { version } = view;
    view.flush();
    assert.equal(view.check({ userId: "any" }, version), "stale");
    assert.equal(view.check({ userId: "any" }, view.version), "good");
    assert.equal(view.check({ issuer: "i", jti: "t" }, view.version), "token-revoked");
    assert.equal(view.check({ sessionId: "s" }, view.version), "token-revoked");
    assert.equal(view.check({ userId: "u" }, view.version), "user-disabled");
  });

  it("suspend() makes everything unavailable until resume(), which brings nobody back who was revoked", () => {
    const view = createRevocations();
    const { version } = view;
    view.suspend();
    assert.notEqual(view.version, version);
    assert.equal(view.check({ userId: "u" }, view.version), "unavailable");
    view.apply({ kind: "user", userId: "v", state: "disabled" });
    assert.equal(view.check({ userId: "v" }, view.version), "unavailable");
    view.resume();
    assert.equal(view.check({ userId: "u" }, version), "good");
    assert.equal(view.check({ userId: "v" }, view.version), "user-disabled");
  });

  it("tell their listeners, once each; a listener that stopped hears nothing", () => {
    const view = createRevocations();
    let heard = 0;
    const stop = view.onChange(() => void heard++);
    view.suspend();
    view.suspend();
    view.resume();
    view.resume();
    view.flush();
    view.apply(
      { kind: "user", userId: "u", state: "changed" },
      { kind: "user", userId: "v", state: "changed" },
    );
    assert.equal(heard, 4);
    stop();
    view.flush();
    assert.equal(heard, 4);
  });

  it("REGRESSION: a listener that throws keeps no other from hearing, nor the change from taking effect", () => {
    const view = createRevocations();
    let heard = 0;
    view.onChange(() => {
      throw new Error("broken");
    });
    view.onChange(() => void heard++);
    view.apply({ kind: "user", userId: "u", state: "disabled" });
    assert.equal(heard, 1);
    assert.equal(view.check({ userId: "u" }, 0), "user-disabled");
  });
});

describe("many changes", () => {
  it("are not kept apart for ever: beyond 100,000, what is older is stale, and the disabled stay disabled", () => {
    const view = createRevocations();
    view.apply({ kind: "user", userId: "u", state: "disabled" });
    const { version } = view;
    for (let key = 0; key < 100_000; key++) view.apply({ kind: "key", keyId: `${key}`, state: "revoked" });
    assert.equal(view.check({ userId: "other" }, version), "stale");
    assert.equal(view.check({ keyId: "99999" }, view.version - 1), "stale");
    assert.equal(view.check({ keyId: "5" }, view.version - 1), "stale");
    assert.equal(view.check({ userId: "u" }, view.version), "user-disabled");
    assert.equal(view.check({ userId: "other" }, view.version), "good");
  });

  it("REGRESSION: beyond 100,000 disabled users, a change of one does not make stale what is cached of others", () => {
    const view = createRevocations();
    for (let id = 0; id < 100_002; id++) view.apply({ kind: "user", userId: `${id}`, state: "disabled" });
    const { version } = view;
    view.apply({ kind: "user", userId: "u", state: "changed" });
    assert.equal(view.check({ userId: "v" }, version), "good");
    assert.equal(view.check({ userId: "7" }, version), "user-disabled");
  });
});
