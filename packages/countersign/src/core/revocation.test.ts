import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRevocations, type RevocationEvent, type RevocationSubject, type Verdict } from "./revocation.ts";

const later = 2_000_000_000;

describe("verdicts", () => {
  const cases: [RevocationEvent, RevocationSubject, Verdict][] = [
    [{ kind: "token", issuer: "i", jti: "t", expiresAt: later }, { issuer: "i", jti: "t" }, "token-revoked"],
    [{ kind: "token", issuer: "i", jti: "t", expiresAt: later }, { issuer: "other", jti: "t" }, "good"],
    [{ kind: "token", issuer: "i", jti: "t", expiresAt: later }, { issuer: "i" }, "good"],
    [{ kind: "token", issuer: "", jti: "t", expiresAt: later }, { jti: "t" }, "token-revoked"],
    [{ kind: "session", sessionId: "s", expiresAt: later }, { sessionId: "s" }, "token-revoked"],
    [{ kind: "session", sessionId: "s", expiresAt: later }, { jti: "s" }, "good"],
    [{ kind: "key", keyId: "k", state: "revoked" }, { keyId: "k" }, "key-revoked"],
    [{ kind: "key", keyId: "k", state: "changed" }, { keyId: "k" }, "stale"],
    [{ kind: "user", userId: "u", state: "disabled" }, { userId: "u" }, "user-disabled"],
    [{ kind: "user", userId: "u", state: "disabled" }, { userId: "u", keyId: "k" }, "user-disabled"],
    [{ kind: "user", userId: "u", state: "enabled" }, { userId: "u" }, "stale"],
    [{ kind: "user", userId: "u", state: "changed" }, { userId: "v" }, "good"],
    [{ kind: "issued-before", userId: "u", before: 100, expiresAt: later }, { userId: "u", issuedAt: 99 }, "token-revoked"],
    [{ kind: "issued-before", userId: "u", before: 100, expiresAt: later }, { userId: "u", issuedAt: 100 }, "good"],
    [{ kind: "issued-before", userId: "u", before: 100, expiresAt: later }, { userId: "u", keyId: "k" }, "good"],
  ];
  for (const [event, subject, verdict] of cases) {
    it(`${JSON.stringify(event)} makes ${JSON.stringify(subject)} ${verdict}`, () => {
      const view = createRevocations();
      assert.equal(view.check(subject, view.version), "good");
      view.apply(event);
      assert.equal(view.check(subject, 0), verdict);
    });
  }

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
    const stop = view.onChange(() => heard++);
    view.suspend();
    view.suspend();
    view.resume();
    view.resume();
    view.flush();
    view.apply({ kind: "user", userId: "u", state: "changed" }, { kind: "user", userId: "v", state: "changed" });
    assert.equal(heard, 4);
    stop();
    view.flush();
    assert.equal(heard, 4);
  });

  it("REGRESSION: a listener that throws keeps no other from hearing, nor the change from taking effect", () => {
    const view = createRevocations();
    let heard = 0;
    view.onChange(() => { throw new Error("broken"); });
    view.onChange(() => heard++);
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
});

const few = fc.constantFrom("a", "b", "c");
const event: fc.Arbitrary<RevocationEvent> = fc.oneof(
  fc.record({ kind: fc.constant("token" as const), issuer: few, jti: few, expiresAt: fc.nat(1000) }),
  fc.record({ kind: fc.constant("session" as const), sessionId: few, expiresAt: fc.nat(1000) }),
  fc.record({ kind: fc.constant("key" as const), keyId: few, state: fc.constantFrom("revoked" as const, "changed" as const) }),
  fc.record({
    kind: fc.constant("user" as const),
    userId: few,
    state: fc.constantFrom("disabled" as const, "enabled" as const, "changed" as const),
  }),
  fc.record({ kind: fc.constant("issued-before" as const), userId: few, before: fc.nat(1000), expiresAt: fc.nat(1000) }),
);
type Step = { readonly kind: "apply"; readonly event: RevocationEvent } | { readonly kind: "prune"; readonly now: number } | { readonly kind: "flush" };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("apply" as const), event }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("prune" as const), now: fc.nat(1200) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("flush" as const) }) },
);
const subject: fc.Arbitrary<RevocationSubject> = fc.record(
  { userId: few, keyId: few, issuer: few, jti: few, sessionId: few, issuedAt: fc.nat(1000) },
  { requiredKeys: [] },
);

/** All that was ever said, kept as a list and searched: the version beside each entry. */
class NaiveModel {
  readonly log: { readonly event: RevocationEvent; readonly version: number }[] = [];
  prunedAt = 0;
  floor = 0;

  revoked(about: RevocationSubject): boolean {
    return this.log.some(({ event, version }) => {
      switch (event.kind) {
        case "token":
          return event.issuer === about.issuer && event.jti === about.jti;
        case "session":
          return event.sessionId === about.sessionId;
        case "key":
          // A flush leaves a key to its record.
          return event.keyId === about.keyId && event.state === "revoked" && version > this.floor;
        case "user":
          return event.userId === about.userId && event.state === "disabled" && !this.enabledAfter(event.userId, version);
        case "issued-before":
          return event.userId === about.userId && about.issuedAt !== undefined && about.issuedAt < event.before;
      }
    });
  }

  enabledAfter(userId: string, version: number): boolean {
    return this.log.some(
      (entry) =>
        entry.version > version && entry.event.kind === "user" && entry.event.userId === userId && entry.event.state === "enabled",
    );
  }

  changedSince(about: RevocationSubject, since: number): boolean {
    return this.log.some(
      ({ event, version }) =>
        version > since &&
        ((event.kind === "user" && event.userId === about.userId) || (event.kind === "key" && event.keyId === about.keyId)),
    );
  }
}

describe("against a naive model", () => {
  it("what was revoked is never good, what changed is never good, and nobody else is disturbed", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), subject, fc.nat(40), (steps, about, began) => {
        const view = createRevocations();
        const model = new NaiveModel();
        let since = 0;
        for (const [index, given] of steps.entries()) {
          if (index === began) since = view.version;
          const { version } = view;
          if (given.kind === "apply") {
            view.apply(given.event);
            model.log.push({ event: given.event, version: view.version });
          } else if (given.kind === "flush") {
            view.flush();
            model.floor = view.version;
          } else {
            view.prune(given.now);
            model.prunedAt = given.now;
            dropPruned(model);
          }
          assert.ok(given.kind === "prune" ? view.version === version : view.version > version, "the version rises");
        }
        const verdict = view.check(about, since);
        const revoked = model.revoked(about);
        const stale = since < model.floor || model.changedSince(about, since);
        const expected = revoked ? "revoked" : stale ? "stale" : "good";
        assert.equal(verdict === "good" || verdict === "stale" ? verdict : "revoked", expected);
      }),
      { numRuns: 2000 },
    );
  });
});

/** An entry that was pruned may come again later, with a new life. The cuts of one user are forgotten together. */
function dropPruned(model: NaiveModel): void {
  const alive = ({ event }: { readonly event: RevocationEvent }): boolean =>
    !("expiresAt" in event) || event.expiresAt + 60 > model.prunedAt;
  const cut = model.log.flatMap((entry) => (entry.event.kind === "issued-before" && alive(entry) ? [entry.event.userId] : []));
  const kept = model.log.filter(
    (entry) => alive(entry) || (entry.event.kind === "issued-before" && cut.includes(entry.event.userId)),
  );
  model.log.splice(0, model.log.length, ...kept);
}
