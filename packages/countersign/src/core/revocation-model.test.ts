import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRevocations, type RevocationEvent, type RevocationSubject } from "./revocation.ts";

const few = fc.constantFrom("a", "b", "c");
const event: fc.Arbitrary<RevocationEvent> = fc.oneof(
  fc.record({ kind: fc.constant("token" as const), issuer: few, jti: few, expiresAt: fc.nat(1000) }),
  fc.record({ kind: fc.constant("roles" as const) }),
  fc.record({ kind: fc.constant("session" as const), sessionId: few, expiresAt: fc.nat(1000) }),
  fc.record({ kind: fc.constant("signing-key" as const), kid: few, expiresAt: fc.nat(1000) }),
  fc.record({
    kind: fc.constant("key" as const),
    keyId: few,
    state: fc.constantFrom("revoked" as const, "changed" as const),
  }),
  fc.record({
    kind: fc.constant("user" as const),
    userId: few,
    state: fc.constantFrom("disabled" as const, "deleted" as const, "enabled" as const, "changed" as const),
  }),
  fc.record({
    kind: fc.constant("tenant" as const),
    tenantId: few,
    state: fc.constantFrom("disabled" as const, "enabled" as const),
  }),
  fc.record({
    kind: fc.constant("issued-before" as const),
    userId: few,
    before: fc.nat(1000),
    expiresAt: fc.nat(1000),
    sparesSessions: fc.boolean(),
  }),
);
type Step =
  | { readonly kind: "apply"; readonly event: RevocationEvent }
  | { readonly kind: "prune"; readonly now: number }
  | { readonly kind: "flush" };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("apply" as const), event }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("prune" as const), now: fc.nat(1200) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("flush" as const) }) },
);
const subject: fc.Arbitrary<RevocationSubject> = fc.record(
  {
    ...{ userId: few, tenantId: few, keyId: few, issuer: few, jti: few, sessionId: few, kid: few },
    issuedAt: fc.nat(1000),
  },
  { requiredKeys: [] },
);

interface Entry {
  readonly event: RevocationEvent;
  readonly version: number;
}

/** All that was ever said, kept as a list and searched: the version beside each entry. */
class NaiveModel {
  readonly log: Entry[] = [];
  prunedAt = 0;
  floor = 0;

  revoked(about: RevocationSubject): boolean {
    return this.log.some((entry) => this.says(entry, about));
  }

  says({ event, version }: Entry, about: RevocationSubject): boolean {
    switch (event.kind) {
      case "token":
        return event.issuer === about.issuer && event.jti === about.jti;
      case "roles":
        return false;
      case "session":
        return event.sessionId === about.sessionId;
      case "signing-key":
        return event.kid === about.kid;
      case "key":
        // A flush leaves a key to its record.
        return event.keyId === about.keyId && event.state === "revoked" && version > this.floor;
      case "user":
        return (
          event.userId === about.userId &&
          (event.state === "disabled" || event.state === "deleted") &&
          !this.enabledAfter(event.userId, version)
        );
      case "tenant":
        return (
          event.tenantId === about.tenantId &&
          event.state === "disabled" &&
          !this.tenantEnabledAfter(event.tenantId, version)
        );
      case "issued-before":
        return (
          event.userId === about.userId &&
          about.issuedAt !== undefined &&
          about.issuedAt < event.before &&
          !(event.sparesSessions === true && about.sessionId !== undefined)
        );
    }
  }

  enabledAfter(userId: string, version: number): boolean {
    return this.log.some(
      (entry) =>
        entry.version > version &&
        entry.event.kind === "user" &&
        entry.event.userId === userId &&
        entry.event.state === "enabled",
    );
  }

  tenantEnabledAfter(tenantId: string, version: number): boolean {
    return this.log.some(
      (entry) =>
        entry.version > version &&
        entry.event.kind === "tenant" &&
        entry.event.tenantId === tenantId &&
        entry.event.state === "enabled",
    );
  }

  changedSince(about: RevocationSubject, since: number): boolean {
    return this.log.some(
      ({ event, version }) =>
        version > since &&
        ((event.kind === "user" && event.userId === about.userId) ||
          (event.kind === "tenant" && event.tenantId === about.tenantId) ||
          (event.kind === "key" && event.keyId === about.keyId)),
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
        let goodAt: number | undefined;
        for (const [index, given] of steps.entries()) {
          if (index === began) since = view.version;
          if (index === began && view.check(about, view.version) === "good") goodAt = view.version;
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
          assert.ok(
            given.kind === "prune" ? view.version === version : view.version > version,
            "the version rises",
          );
        }
        const verdict = view.check(about, since);
        if (goodAt !== undefined) assert.equal(view.recheck(about, goodAt), view.check(about, goodAt));
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
  const cutOf = ({ event }: Entry): string =>
    event.kind === "issued-before" ? `${event.userId} ${event.sparesSessions}` : "";
  const cut = model.log.filter(alive).map(cutOf);
  const kept = model.log.filter(
    (entry) => alive(entry) || (entry.event.kind === "issued-before" && cut.includes(cutOf(entry))),
  );
  model.log.splice(0, model.log.length, ...kept);
}
