import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type CertificateSpec, selfSigned, TestAuthority } from "../../../../tools/certificates.ts";
import type { AuthOptions } from "../core/auth.ts";
import { createAuth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { admitted, atOnce, byName, fakeCall, principal, reasonOf } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import { grants, type Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import { account, authOf, FakeTable, gate } from "./accounts.suite.ts";
import type { CertificateEntry } from "./certificate-map.ts";
import { type ClientCertificateOptions, clientCertificate } from "./client-certificate.ts";

const authority = new TestAuthority("clients");
const billing = "spiffe://example.org/billing";

function der(spec: CertificateSpec): Uint8Array {
  return new X509Certificate(readFileSync(authority.issue(spec).certificate)).raw;
}

function callWith(certificate: Uint8Array | undefined, headers: Record<string, string> = {}): Call {
  const peer = { address: "192.0.2.1:1", ...(certificate !== undefined && { certificate }) };
  return { ...fakeCall("GET /", headers), peer };
}

type Entries = ClientCertificateOptions<Principal>["map"];

function setup(map: Entries, auth: Partial<AuthOptions<Principal>> = {}) {
  const users = new FakeTable(account({ id: "7", username: "ada", permissions: ["orders:read"] }));
  const revocations = createRevocations();
  const clock = { now: Date.now() };
  const findByUsername = (name: string) => [...users.rows.values()].find(({ username }) => username === name);
  const authenticator = clientCertificate({ map, users, findByUsername });
  const { decide, watch } = authOf([authenticator], { revocations, now: () => clock.now, ...auth });
  return {
    ...{ users, revocations, clock, decide, watch, authenticator },
    reason: (certificate: Uint8Array | undefined) => reasonOf(atOnce(decide(callWith(certificate)))),
    principal: (certificate: Uint8Array) => admitted(atOnce(decide(callWith(certificate)))).principal,
  };
}

const service = { name: "billing", permissions: ["orders:read"], roles: ["robot"] };

describe("a client certificate", () => {
  it("stands for a program with fixed rights, by its SPIFFE ID", () => {
    const { principal: of } = setup([{ spiffe: billing, service }]);
    const found = of(der({ uris: [billing] }));
    assert.ok(found !== undefined);
    assert.deepEqual(
      [found.userId, found.clientId, found.authenticator, found.roles, found.isStaff, found.isSuperuser],
      ["certificate:billing", billing, "client_certificate", ["robot"], false, false],
    );
    assert.deepEqual([grants(found, "orders:read"), grants(found, "orders:write")], [true, false]);
  });

  it("stands for a user, by id or by name, with the rights that the account has now", () => {
    for (const holder of [{ userId: "7" }, { username: "ada" }]) {
      const { principal: of, users, revocations } = setup([{ dns: "ada.example.com", ...holder }]);
      const certificate = der({ dns: ["ADA.example.com"] });
      assert.equal(of(certificate)?.userId, "7");
      assert.equal(of(certificate)?.clientId, "ada.example.com");
      users.change("7", { isStaff: true });
      revocations.apply({ kind: "user", userId: "7", state: "changed" });
      assert.equal(of(certificate)?.isStaff, true);
    }
  });

  it("is known by its whole subject, or by its common name where that was asked for", () => {
    const certificate = der({ subject: "/O=Example/CN=ada" });
    assert.equal(setup([{ subject: "CN=ada,O=Example", userId: "7" }]).reason(certificate), "ok");
    assert.equal(setup([{ commonName: "ada", userId: "7" }]).reason(certificate), "ok");
    for (const entry of [
      { subject: "CN=ada" },
      { subject: "O=Example,CN=ada" },
      { subject: "CN=Ada,O=Example" },
      { commonName: "Ada" },
      { dns: "ada" },
    ] as const)
      assert.equal(
        setup([{ ...entry, userId: "7" } as CertificateEntry]).reason(certificate),
        "CREDENTIALS_MISSING",
      );
    const two = der({ subject: "/CN=ada/CN=admin" });
    assert.equal(setup([{ commonName: "ada", userId: "7" }]).reason(two), "CREDENTIALS_MISSING");
  });

  it("is matched by nothing but the whole name", () => {
    const { reason } = setup([
      { spiffe: billing, service },
      { dns: "ada.example.com", userId: "7" },
    ]);
    for (const uri of [
      `${billing}/more`,
      "spiffe://example.org/bill",
      "spiffe://example.org.evil.example/billing",
      "spiffe://evil.example/billing",
      "spiffe://example.org/Billing",
    ])
      assert.equal(reason(der({ uris: [uri] })), "CREDENTIALS_MISSING", uri);
    for (const dns of [
      "*.example.com",
      "example.com",
      "a.ada.example.com",
      "ada.example.com.",
      "ada.example.com\0.x",
    ])
      assert.equal(reason(der({ dns: [dns] })), "CREDENTIALS_MISSING", dns);
  });

  it("CVE-2021-44532: smuggles no second name into one", () => {
    const { reason } = setup([
      { spiffe: billing, service },
      { dns: "ada.example.com", userId: "7" },
    ]);
    for (const dns of [
      `x, URI:${billing}`,
      "x, DNS:ada.example.com",
      `x", URI:"${billing}`,
      `x\nURI:${billing}`,
    ])
      assert.equal(reason(der({ dns: [dns] })), "CREDENTIALS_MISSING", dns);
    assert.equal(
      reason(der({ subject: `/CN=x, URI:${billing.replaceAll("/", "\\/")}` })),
      "CREDENTIALS_MISSING",
    );
  });

  it("that is no X.509-SVID although it has a SPIFFE ID is refused", () => {
    const { reason } = setup([{ spiffe: billing, service }]);
    for (const spec of [
      { uris: [billing, "spiffe://example.org/admin"] },
      { uris: [billing, "https://example.org"] },
      { uris: [billing, billing] },
      { uris: [`${billing}/`] },
      { uris: [`${billing}/../admin`] },
      { uris: ["SPIFFE://example.org/billing"] },
      { uris: ["spiffe://example.org"] },
      { uris: [billing], authority: true },
    ])
      assert.equal(reason(der(spec)), "TOKEN_INVALID", JSON.stringify(spec));
  });

  it("below a folder of SPIFFE IDs is known by whole segments; the nearest entry wins", () => {
    const entry = (name: string) => ({ service: { name } });
    const { principal: of, reason } = setup([
      { spiffeUnder: "spiffe://td", ...entry("domain") },
      { spiffeUnder: "spiffe://td/ns/prod", ...entry("production") },
      { spiffe: "spiffe://td/ns/prod/sa/billing", ...entry("billing") },
    ]);
    const named = (uri: string) => of(der({ uris: [uri] }));
    assert.equal(named("spiffe://td/ns/prod/sa/billing")?.userId, "certificate:billing");
    assert.equal(named("spiffe://td/ns/prod/sa/other")?.userId, "certificate:production");
    assert.equal(named("spiffe://td/ns/prod/sa/other")?.clientId, "spiffe://td/ns/prod/sa/other");
    assert.equal(named("spiffe://td/ns/production")?.userId, "certificate:domain");
    assert.equal(named("spiffe://td/ns/prod")?.userId, "certificate:domain");
    assert.equal(reason(der({ uris: ["spiffe://td.example/ns/prod/x"] })), "CREDENTIALS_MISSING");
  });

  it("that stands for two is refused, and for one by two names is not", () => {
    const both = der({ dns: ["a.example.com", "b.example.com"] });
    const entries = (a: string, b: string): Entries => [
      { dns: "a.example.com", userId: a },
      { dns: "b.example.com", userId: b },
    ];
    assert.equal(setup(entries("7", "8")).reason(both), "CREDENTIALS_AMBIGUOUS");
    assert.equal(setup(entries("7", "7")).reason(both), "ok");
  });
});

describe("what a client certificate is beside others", () => {
  const policy = [policyFor<Principal>().routes({ "GET /": "optional" })];

  it("counts as no credential where it stands for nobody, even where the rule is optional", () => {
    const stranger = der({ uris: ["spiffe://example.org/stranger"] });
    const strict = setup([{ spiffe: billing, service }]);
    const decision = atOnce(strict.decide(callWith(stranger)));
    assert.ok(!decision.ok);
    assert.equal(decision.denial.message, "Client certificate required");
    assert.match(String(decision.denial.cause), /stands for nobody: spiffe:\/\/example\.org\/stranger/);
    const lenient = setup([{ spiffe: billing, service }], { policy });
    assert.equal(admitted(atOnce(lenient.decide(callWith(stranger)))).principal, undefined);
    assert.equal(admitted(atOnce(lenient.decide(callWith(undefined)))).principal, undefined);
  });

  it("is refused where it is bad, even where the rule is optional", () => {
    const { reason, users, revocations, clock } = setup([{ dns: "ada.example.com", userId: "7" }], {
      policy,
    });
    const certificate = der({ dns: ["ada.example.com"] });
    users.change("7", { isActive: false });
    assert.equal(reason(certificate), "USER_DISABLED");
    users.rows.clear();
    revocations.flush();
    assert.equal(reason(certificate), "TOKEN_INVALID");
    clock.now += 31 * 86_400_000;
    assert.equal(reason(certificate), "TOKEN_EXPIRED");
  });

  it("authenticates only where no header has a credential", () => {
    const certificate = der({ uris: [billing] });
    const header = byName({ bob: principal({ userId: "bob" }) });
    const { authenticator } = setup([{ spiffe: billing, service }]);
    const { decide } = authOf([header, authenticator]);
    const ask = (headers: Record<string, string>) => atOnce(decide(callWith(certificate, headers)));
    assert.equal(admitted(ask({})).principal?.userId, "certificate:billing");
    assert.equal(admitted(ask({ "x-fake": "bob" })).principal?.userId, "bob");
    assert.equal(reasonOf(ask({ "x-fake": "mallory" })), "TOKEN_INVALID");
    assert.equal(reasonOf(ask({ "x-fake": "" })), "TOKEN_INVALID");
  });

  it("is not believed in a header", () => {
    const { decide } = setup([{ spiffe: billing, service }]);
    const { certificate: path } = authority.issue({ uris: [billing] });
    const pem = encodeURIComponent(readFileSync(path, "utf8"));
    for (const name of [
      "x-forwarded-client-cert",
      "x-client-cert",
      "client-cert",
      "x-ssl-cert",
      "ssl-client-cert",
    ]) {
      const call = callWith(undefined, { [name]: `URI=${billing};Cert="${pem}"` });
      assert.equal(reasonOf(atOnce(decide(call))), "CREDENTIALS_MISSING", name);
    }
  });

  it("asks the next one where it stands for nobody, whichever comes first", () => {
    const certificate = der({ dns: ["ada.example.com"] });
    const one = setup([{ spiffe: billing, service }]).authenticator;
    const other = setup([{ dns: "ada.example.com", service: { name: "ada" } }]).authenticator;
    for (const authenticators of [
      [one, other],
      [other, one],
    ] as const) {
      const { decide } = createAuth<Principal>({
        authenticators: [...authenticators],
        policy: [policyFor<Principal>().routes({ "GET /": "authenticated" })],
      });
      assert.equal(admitted(atOnce(decide(callWith(certificate)))).principal?.userId, "certificate:ada");
    }
  });
});

describe("a client certificate that was seen before", () => {
  it("is not read again, nor is its user, until something about the user changes", () => {
    const { reason, users, revocations } = setup([{ dns: "ada.example.com", userId: "7" }]);
    const certificate = der({ dns: ["ada.example.com"] });
    for (let call = 0; call < 10; call++) {
      assert.equal(reason(certificate), "ok");
      // Another connection with the same certificate.
      assert.equal(reason(Uint8Array.from(certificate)), "ok");
      revocations.apply({ kind: "user", userId: `other-${call}`, state: "disabled" });
    }
    assert.equal(users.loads, 1);
  });

  it("is refused at once when its user is disabled, and ends its open calls", async () => {
    const { reason, decide, watch, revocations } = setup([{ dns: "ada.example.com", userId: "7" }]);
    const certificate = der({ dns: ["ada.example.com"] });
    const call = callWith(certificate);
    const ended = Promise.withResolvers<string>();
    watch(call, admitted(atOnce(decide(call))), (denial) => ended.resolve(denial.reason));
    revocations.apply({ kind: "user", userId: "7", state: "disabled" });
    assert.equal(reason(certificate), "USER_DISABLED");
    assert.equal(await ended.promise, "USER_DISABLED");
  });

  it("never re-admits what was revoked while its user was read", async () => {
    const { decide, users, revocations } = setup([{ dns: "ada.example.com", userId: "7" }]);
    const { opened, open } = gate();
    users.answer = () => opened.then(() => account({ id: "7" }));
    const call = callWith(der({ dns: ["ada.example.com"] }));
    const racing = decide(call);
    revocations.apply({ kind: "user", userId: "7", state: "disabled" });
    open();
    assert.equal(reasonOf(await racing), "USER_DISABLED");
    assert.equal(reasonOf(await decide(call)), "USER_DISABLED");
  });

  it("ends with its last moment, as its admission says", () => {
    const to = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000);
    const { decide, reason, clock } = setup([{ spiffe: billing, service }]);
    const certificate = der({ uris: [billing], to });
    assert.equal(admitted(atOnce(decide(callWith(certificate)))).expiresAt, to.getTime());
    clock.now = to.getTime();
    assert.equal(reason(certificate), "TOKEN_EXPIRED");
    clock.now = to.getTime() - 2 * 86_400_000;
    assert.equal(reason(certificate), "TOKEN_INVALID");
  });

  it("is UNAVAILABLE where nobody can tell", async () => {
    const { decide, users, revocations, reason } = setup([
      { dns: "ada.example.com", userId: "7" },
      { spiffe: billing, service },
    ]);
    users.answer = () => Promise.reject(new Error("down"));
    assert.equal(reasonOf(await decide(callWith(der({ dns: ["ada.example.com"] })))), "UNAVAILABLE");
    assert.equal(reason(new Uint8Array([1, 2, 3])), "UNAVAILABLE");
    const program = der({ uris: [billing] });
    assert.equal(reason(program), "ok");
    revocations.suspend();
    assert.equal(reason(program), "UNAVAILABLE");
    revocations.resume();
    assert.equal(reason(program), "ok");
  });
});

describe("entries that make no sense", () => {
  const holder = { service: { name: "x" } };
  for (const [name, entry] of [
    ["a wildcard", { dns: "*.example.com", ...holder }],
    ["an empty name", { dns: "", ...holder }],
    ["a trust domain for a workload", { spiffe: "spiffe://example.org", ...holder }],
    ["a folder with a slash at its end", { spiffeUnder: "spiffe://example.org/ns/", ...holder }],
    ["a pattern", { spiffe: "spiffe://example.org/*", ...holder }],
    ["a subject of another form", { subject: "/CN=ada", ...holder }],
    ["no name", { ...holder }],
    ["two names", { dns: "a.example.com", spiffe: billing, ...holder }],
    ["no holder", { dns: "a.example.com" }],
    ["two holders", { dns: "a.example.com", userId: "7", username: "ada" }],
    ["a holder without a name", { dns: "a.example.com", service: { name: "" } }],
  ] as const) {
    it(`${name} is a TypeError`, () => {
      assert.throws(() => setup([entry as unknown as CertificateEntry]), TypeError);
    });
  }

  it("so are one name twice, one program twice, and a user without a source", () => {
    const twice: Entries = [
      { dns: "a.example.com", userId: "7" },
      { dns: "A.example.com", userId: "8" },
    ];
    assert.throws(() => setup(twice), TypeError);
    assert.throws(
      () =>
        setup([
          { dns: "a", ...holder },
          { dns: "b", ...holder },
        ]),
      TypeError,
    );
    assert.throws(() => clientCertificate({ map: [{ dns: "a", userId: "7" }] }), TypeError);
    assert.throws(() => clientCertificate({ map: [{ dns: "a", username: "ada" }] }), TypeError);
  });

  it("a certificate that is its own authority may be one, if it has no SPIFFE ID", () => {
    const { raw } = new X509Certificate(readFileSync(selfSigned({ subject: "/CN=pinned" }).certificate));
    assert.equal(setup([{ subject: "CN=pinned", ...holder }]).reason(raw), "ok");
  });
});
