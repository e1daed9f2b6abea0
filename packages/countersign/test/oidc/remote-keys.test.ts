import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createIssuer } from "../../src/oidc.ts";
import { type IssuerFault, issuerKey } from "../../src/testing/test-issuer.ts";
import { Elapsed, idTokenDoor, issuerOf, startStub } from "./fixture.ts";

describe("keys of another issuer", { timeout: 60_000 }, () => {
  it("are fetched when the first token needs them, and once for a hundred that come at once", async (context) => {
    const stub = await startStub(context);
    const door = idTokenDoor(stub);
    assert.deepEqual(stub.fetches, { discovery: 0, jwks: 0, introspection: 0 });
    const tokens = Array.from({ length: 100 }, (_, n) => stub.token({ sub: `s${n}` }));
    const answers = await Promise.all(tokens.map((token) => door.says(token)));
    assert.deepEqual(new Set(answers), new Set(["ok"]));
    assert.deepEqual(stub.fetches, { discovery: 1, jwks: 1, introspection: 0 });
    assert.equal(await door.says(stub.token({ sub: "later" })), "ok");
    assert.equal(stub.fetches.jwks, 1);
  });

  it("CVE-2025-59936 and floods: a thousand unknown kids cost two fetches", async (context) => {
    const stub = await startStub(context);
    const clock = new Elapsed();
    const door = idTokenDoor(stub, { elapsed: clock.now });
    const stranger = issuerKey();
    const forged = (n: number) => door.says(stub.token({}, { kid: `kid-${n}` }, stranger));
    for (let batch = 0; batch < 10; batch++) {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => forged(batch * 100 + n)));
      assert.deepEqual(new Set(answers), new Set(["TOKEN_INVALID: no key for this kid and alg"]));
    }
    assert.ok(stub.fetches.jwks <= 2, String(stub.fetches.jwks));
    clock.advance(29);
    await forged(1);
    assert.equal(stub.fetches.jwks, 2);
    clock.advance(2);
    await Promise.all([forged(2), forged(3)]);
    assert.equal(stub.fetches.jwks, 3);
    assert.equal(await door.says(stub.token()), "ok");
  });

  it("are not asked for on behalf of what cannot be one of theirs", async (context) => {
    const stub = await startStub(context);
    const door = idTokenDoor(stub);
    for (const token of [
      "x",
      "a.b.c",
      stub.token({ iss: "https://other.example" }),
      stub.token({}, { alg: "none" }),
    ])
      assert.match(await door.says(token), /^TOKEN_INVALID/);
    assert.equal(stub.fetches.jwks, 0);
    assert.equal(await door.says(stub.token()), "ok");
    // A known kid under another algorithm, and a symmetric one: no new key could make these good.
    for (const header of [{ alg: "RS256" }, { alg: "HS256" }, { alg: "HS256", kid: "shared" }])
      assert.match(await door.says(stub.token({}, header)), /^TOKEN_INVALID/);
    assert.equal(stub.fetches.jwks, 1);
  });

  it("rotate without a failed call, also right after the first fetch", async (context) => {
    const stub = await startStub(context);
    const clock = new Elapsed();
    const door = idTokenDoor(stub, { elapsed: clock.now });
    assert.equal(await door.says(stub.token()), "ok");
    const old = stub.key;
    for (let turn = 0; turn < 3; turn++) {
      stub.keys = [issuerKey(), old];
      const tokens = [...Array(20).keys()].map((n) =>
        stub.token({ sub: `${turn}-${n}` }, {}, n % 2 ? old : stub.key),
      );
      for (const says of await Promise.all(tokens.map((token) => door.says(token)))) assert.equal(says, "ok");
      clock.advance(31);
    }
    assert.equal(stub.fetches.jwks, 4);
  });

  it("are refreshed behind the caller's back, and those that are gone are believed no more", async (context) => {
    const stub = await startStub(context);
    const clock = new Elapsed();
    const door = idTokenDoor(stub, { elapsed: clock.now });
    const withdrawn = stub.key;
    assert.equal(await door.says(stub.token()), "ok");
    stub.keys = [issuerKey()];
    clock.advance(601);
    assert.equal(await door.says(stub.token({ sub: "during" }, {}, withdrawn)), "ok");
    while (stub.fetches.jwks < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await door.says(stub.token({ sub: "new" })), "ok");
    assert.match(await door.says(stub.token({ sub: "after" }, {}, withdrawn)), /no key for this kid/);
  });

  it("last 15 minutes without their issuer; then nobody can tell, and tokens that were seen go on", async (context) => {
    const stub = await startStub(context);
    const clock = new Elapsed();
    const errors: string[] = [];
    const onError = (error: Error): void => void errors.push(error.message);
    const door = idTokenDoor(stub, { elapsed: clock.now, onError });
    const seen = stub.token({ sub: "seen" });
    assert.equal(await door.says(seen), "ok");
    stub.faults.jwks = "500";
    for (const seconds of [600, 200, 99]) {
      clock.advance(seconds);
      assert.equal(await door.says(stub.token({ sub: `at ${clock.ms}` })), "ok");
    }
    while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.match(errors[0] ?? "", /\/jwks: status 500$/);
    clock.advance(1);
    assert.equal(await door.says(stub.token({ sub: "too late" })), "UNAVAILABLE");
    assert.equal(await door.says(seen), "ok");
    assert.match(await door.says("garbage"), /^TOKEN_INVALID/);
    delete stub.faults.jwks;
    clock.advance(31);
    assert.equal(await door.says(stub.token({ sub: "too late" })), "ok");
  });

  it("that nobody knows while the issuer is away are UNAVAILABLE, not invalid", async (context) => {
    const stub = await startStub(context);
    const clock = new Elapsed();
    const door = idTokenDoor(stub, { elapsed: clock.now });
    assert.equal(await door.says(stub.token()), "ok");
    stub.keys = [issuerKey()];
    stub.faults.jwks = "down";
    for (let n = 0; n < 20; n++) assert.equal(await door.says(stub.token({ sub: `${n}` })), "UNAVAILABLE");
    assert.equal(stub.fetches.jwks, 2);
    delete stub.faults.jwks;
    clock.advance(31);
    assert.equal(await door.says(stub.token()), "ok");
  });

  const faults: Readonly<Record<IssuerFault, RegExp>> = {
    down: /: cannot be reached \(/,
    silent: /: no whole answer within 1000 ms$/,
    endless: /: no whole answer within 1000 ms$/,
    large: /: its answer has more than 131072 bytes$/,
    redirect: /: status 302: redirects are not followed$/,
    "500": /: status 500$/,
    "404": /: status 404$/,
    html: /: its answer is not JSON by its content-type$/,
    "not JSON": /: its answer is not one strict JSON object$/,
    "an array": /: its answer is not one strict JSON object$/,
    "duplicate members": /: its answer is not one strict JSON object$/,
  };
  const patienceMs: Partial<Record<IssuerFault, number>> = { silent: 1000, endless: 1000 };
  for (const endpoint of ["discovery", "jwks"] as const) {
    for (const [fault, told] of Object.entries(faults)) {
      it(`from a ${endpoint} document that is ${fault}: UNAVAILABLE, and soon tried again`, async (context) => {
        const stub = await startStub(context);
        const clock = new Elapsed();
        const errors: string[] = [];
        const onError = (error: Error): void => void errors.push(error.message);
        const timeoutMs = patienceMs[fault as IssuerFault] ?? 10_000;
        const door = idTokenDoor(stub, { elapsed: clock.now, onError, timeoutMs });
        stub.faults[endpoint] = fault as IssuerFault;
        for (let n = 0; n < 5; n++) assert.equal(await door.says(stub.token()), "UNAVAILABLE");
        assert.equal(stub.fetches[endpoint], 1);
        assert.equal(errors.length, 1);
        assert.match(errors[0] ?? "", told);
        if (endpoint === "discovery") assert.equal(stub.fetches.jwks, 0);
        delete stub.faults[endpoint];
        clock.advance(1.1);
        assert.equal(await door.says(stub.token()), "ok");
      });
    }
  }

  it("are not taken from a document of another issuer, nor from this machine unless that is allowed", async (context) => {
    const stub = await startStub(context);
    for (const document of [
      { issuer: "https://accounts.example" },
      { issuer: `${stub.url}/` },
      { issuer: undefined },
      { jwks_uri: undefined },
      { jwks_uri: "file:///etc/passwd" },
      { jwks_uri: "http://192.0.2.1/jwks" },
      { jwks_uri: `http://user:secret@${new URL(stub.url).host}/jwks` },
      { jwks_uri: 7 },
      { introspection_endpoint: "ftp://a.example" },
    ]) {
      stub.document = document;
      assert.equal(await idTokenDoor(stub).says(stub.token()), "UNAVAILABLE", JSON.stringify(document));
    }
    assert.equal(stub.fetches.jwks, 0);
    assert.throws(() => issuerOf(stub, { allowLoopback: false }), /on this machine/);
  });

  it("of a set in which nothing can be used are UNAVAILABLE", async (context) => {
    const stub = await startStub(context);
    stub.keys = [];
    assert.equal(await idTokenDoor(stub).says(stub.token({}, {}, issuerKey())), "UNAVAILABLE");
  });
});

describe("createIssuer", () => {
  it("refuses what makes no sense", () => {
    const issuer = "https://a.example";
    for (const options of [
      { issuer: "" },
      { issuer: "a.example" },
      { issuer: "http://a.example" },
      { issuer: "https://127.0.0.1" },
      { issuer: "https://127.1/x" },
      { issuer: "https://localhost." },
      { issuer: "https://[::1]" },
      { issuer: "https://[::ffff:127.0.0.1]" },
      { issuer: "https://0.0.0.0" },
      { issuer: "https://a.example?tenant=1" },
      { issuer: "https://a.example#x" },
      { issuer: "https://a.example/a|b" },
      { issuer: "https://u:p@a.example" },
      { issuer, jwksUri: "http://a.example/jwks" },
      { issuer, introspectionEndpoint: "http://a.example" },
      { issuer, algorithms: ["HS256" as const] },
      { issuer, algorithms: ["none" as "RS256"] },
      { issuer, alsoKnownAs: [""] },
      { issuer, usableForSeconds: 901 },
      { issuer, usableForSeconds: 60, refreshAfterSeconds: 61 },
      { issuer, cooldownSeconds: 0 },
      { issuer, timeoutMs: Number.NaN },
    ]) {
      assert.throws(() => createIssuer(options), TypeError, JSON.stringify(options));
    }
    const { names } = createIssuer({ issuer, alsoKnownAs: ["a.example"] });
    assert.deepEqual(names, [issuer, "a.example"]);
  });
});
