import { equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { violations } from "./check.ts";
import { type Credential, type Decision, type Disturbance, History } from "./history.ts";

// A checker that finds nothing wrong is worth something only if it would find what is.

const ended = (at: number, node = 0): Credential => ({
  ...{ name: "key", header: ["x-api-key", "k"], kind: "key", keyId: "k", userId: "1", lasting: false },
  ...{ madeAt: 0, endAsked: at - 10, end: { at, node } },
});
const good: Credential = { ...ended(0), endAsked: undefined, end: undefined };
const asked = (
  credential: Credential,
  askedAt: number,
  verdict: string,
  more: Partial<Decision> = {},
): Decision => ({
  ...{ credential, node: 1, askedAt, answeredAt: askedAt + 5, verdict },
  ...more,
});
const cut = (from: number, until: number, more: Partial<Disturbance> = {}): Disturbance => ({
  ...{ what: "a cut", node: 1, from, until, silent: false, harmless: false, boundMs: 5000 },
  ...more,
});

function judged(
  decisions: readonly Decision[],
  disturbances: readonly Disturbance[] = [],
): readonly string[] {
  const history = new History();
  history.decisions.push(...decisions);
  history.disturbances.push(...disturbances);
  return violations(history);
}

describe("the checker of a history", () => {
  it("finds what was admitted too late", () => {
    equal(judged([asked(ended(1000), 1900, "ok")]).length, 0);
    match(String(judged([asked(ended(1000), 2001, "ok")])), /admitted 1001 ms after .* promised 1000/);
    match(String(judged([asked(ended(1000), 1001, "ok", { node: 0 })])), /promised 0/);
    const after = asked(good, 9000, "ok");
    equal(judged([asked(ended(1000), 5900, "ok"), after], [cut(900, 4000)]).length, 0);
    match(String(judged([asked(ended(1000), 6100, "ok"), after], [cut(900, 4000)])), /promised 5000/);
    match(
      String(judged([asked(ended(1000), 2001, "ok"), after], [cut(900, 4000, { node: 2 })])),
      /promised 1000/,
    );
  });

  it("finds what was refused that was good", () => {
    for (const verdict of ["API_KEY_INVALID", "TOKEN_REVOKED", "CREDENTIALS_MISSING", "PERMISSION_DENIED"])
      match(
        String(judged([asked(good, 1000, verdict), asked(good, 3000, "ok")], [cut(900, 1100)])),
        /what it is not/,
      );
    match(String(judged([asked(good, 1000, "API_KEY_REVOKED")])), /before anybody ended it/);
    match(String(judged([asked(ended(2000), 1900, "API_KEY_REVOKED")])), /before anybody ended it/);
    match(String(judged([asked(good, 1000, "UNAVAILABLE")])), /nothing was the matter/);
    const back = asked(good, 2000, "ok");
    equal(judged([asked(good, 1000, "UNAVAILABLE"), back], [cut(900, 1500)]).length, 0);
    const harmless = [cut(900, 1500, { harmless: true })];
    match(String(judged([asked(good, 1000, "UNAVAILABLE"), back], harmless)), /nothing was the matter/);
  });

  it("finds answers that were late or did not come, and nodes that did not recover", () => {
    const slow = { answeredAt: 4000 };
    const back = asked(good, 5000, "ok");
    match(String(judged([asked(good, 1000, "UNAVAILABLE", slow), back], [cut(900, 3000)])), /after 3000 ms/);
    match(String(judged([asked(good, 1000, "unanswered"), back], [cut(900, 3000)])), /no answer from a node/);
    const gone = [cut(900, 3000, { silent: true })];
    equal(judged([asked(good, 1000, "unanswered", slow), back], gone).length, 0);
    match(String(judged([asked(good, 9000, "ok")], [cut(900, 3000)])), /recovered 6005 ms after/);
    match(String(judged([], [cut(900, 3000)])), /let nobody in/);
  });

  it("finds streams that stayed open", () => {
    const history = new History();
    const stream = { credential: ended(1000), node: 1, openedAt: 500, verdict: "API_KEY_REVOKED" };
    history.streams.push({ ...stream, endedAt: 1900 }, { ...stream, endedAt: 2600 });
    match(String(violations(history)), /open for 1600 ms/);
    equal(violations(history).length, 1);
  });
});
