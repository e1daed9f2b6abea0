import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { createSeal } from "countersign/service";
import { AdminSessions, type AdminSessionsOptions } from "./admin-session.ts";

const pair = { accessToken: "a.b.c", refreshToken: "r", expiresIn: 900 };

function sessionsOf(options: Partial<AdminSessionsOptions> = {}) {
  const clock = { now: 1_000_000 };
  const sessions = new AdminSessions({
    seal: createSeal(randomBytes(32)),
    tokenKey: randomBytes(32),
    idleTimeout: 1800,
    lifetime: 43_200,
    secure: false,
    now: () => clock.now,
    ...options,
  });
  return { sessions, clock };
}

const sent = (header: string): string => header.split(";", 1)[0] ?? "";

describe("the cookie of the admin UI", () => {
  test("holds the session, and nobody reads it without the key", () => {
    const { sessions } = sessionsOf();
    const session = sessions.begin(pair);
    const cookie = sessions.cookie(session);
    assert.deepEqual(sessions.read([`theme=dark; ${sent(cookie)}`]), session);
    assert.doesNotMatch(
      Buffer.from(sent(cookie).split("=")[1] ?? "", "base64url").toString("latin1"),
      /a\.b\.c/,
    );
    assert.equal(sessionsOf().sessions.read([sent(cookie)]), undefined, "of another installation");
  });

  test("is for this path, no script and no other site; over TLS for nothing else", () => {
    const plain = sessionsOf().sessions;
    assert.match(
      plain.cookie(plain.begin(pair)),
      /^countersign_admin=[\w-]+; Path=\/admin; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    );
    const { sessions } = sessionsOf({ secure: true });
    assert.match(
      sessions.cookie(sessions.begin(pair)),
      /^__Secure-countersign_admin=.*; SameSite=Strict; Secure; /,
    );
    assert.match(sessions.noCookie(), /^__Secure-countersign_admin=; .*Max-Age=0$/);
  });

  test("one bit changed, or a second one of the name: none", () => {
    const { sessions } = sessionsOf();
    const cookie = sent(sessions.cookie(sessions.begin(pair)));
    const changed = cookie.slice(0, -1) + (cookie.endsWith("A") ? "Q" : "A");
    assert.equal(sessions.read([changed]), undefined);
    assert.equal(sessions.read([`${cookie}; ${cookie}`]), undefined);
    assert.equal(sessions.read([cookie, cookie]), undefined);
    for (const value of ["", "x", "%", "A".repeat(5000)])
      assert.equal(sessions.read([`countersign_admin=${value}`]), undefined);
  });

  test("ends when nobody does anything, and after its lifetime whatever is done", () => {
    const { sessions, clock } = sessionsOf();
    let session = sessions.begin(pair);
    const read = () => sessions.read([sent(sessions.cookie(session))]);
    clock.now += 1_800_000;
    assert.ok(read());
    session = sessions.seen(session);
    clock.now += 1_800_001;
    assert.equal(read(), undefined, "idle");
    for (let passed = 0; passed < 43_200_000 - 3_600_001; passed += 600_000) {
      clock.now += 600_000;
      session = sessions.seen(session);
    }
    assert.equal(read(), undefined, "too old");
  });

  test("is written anew at most once a minute", () => {
    const { sessions, clock } = sessionsOf();
    const session = sessions.begin(pair);
    clock.now += 59_000;
    assert.equal(sessions.seen(session), session);
    clock.now += 1_000;
    assert.equal(sessions.seen(session).seenAt, clock.now);
  });

  test("asks for another token a minute before it ends, for a short one at half its time", () => {
    const { sessions, clock } = sessionsOf();
    const long = sessions.begin(pair);
    const short = sessions.begin({ ...pair, expiresIn: 4 });
    clock.now += 2_000;
    assert.deepEqual([sessions.isDue(long), sessions.isDue(short)], [false, true]);
    clock.now += 838_000;
    assert.equal(sessions.isDue(long), true);
  });

  test("its token against forged requests stays when tokens are renewed, and fits no other login", () => {
    const { sessions } = sessionsOf();
    const session = sessions.begin(pair);
    const renewed = sessions.begin({ ...pair, accessToken: "d.e.f" }, session);
    const token = sessions.token(session);
    assert.ok(sessions.isToken(renewed, token));
    assert.ok(!sessions.isToken(sessions.begin(pair), token));
    for (const wrong of [undefined, "", token.slice(1), `${token}A`])
      assert.ok(!sessions.isToken(session, wrong));
  });
});
