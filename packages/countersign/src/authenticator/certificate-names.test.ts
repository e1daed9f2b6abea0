import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CertificateSpec, TestAuthority } from "../../../../tools/certificates.ts";
import { type CertificateNames, readCertificateNames } from "./certificate-names.ts";
import { readDer } from "./der.ts";
import { parseSubject } from "./distinguished-name.ts";
import { isSpiffeId, spiffeParents } from "./spiffe-id.ts";

const authority = new TestAuthority("names");

function namesOf(spec: CertificateSpec): CertificateNames {
  const { raw } = new X509Certificate(readFileSync(authority.issue(spec).certificate));
  return readCertificateNames(raw) ?? assert.fail("its names cannot be read");
}

describe("the names of a certificate", () => {
  it("are its DNS names in lower case, its URIs as they are, and its subject", () => {
    const names = namesOf({
      subject: "/C=DE/O=Exämple, Inc./OU=Ops/CN=alice",
      dns: ["Alice.Example.COM", "b.example.com"],
      uris: ["spiffe://example.org/Billing"],
      ips: ["127.0.0.1"],
    });
    assert.deepEqual(names.dnsNames, ["alice.example.com", "b.example.com"]);
    assert.deepEqual(names.uris, ["spiffe://example.org/Billing"]);
    assert.equal(names.subject?.key, parseSubject("CN=alice, OU=Ops,O=Exämple\\, Inc.,C=DE")?.key);
    assert.deepEqual(names.subject?.commonNames, ["alice"]);
  });

  it("are none where there are none", () => {
    assert.deepEqual(
      [namesOf({}).uris, namesOf({}).dnsNames, namesOf({ subject: "/" }).subject],
      [[], [], undefined],
    );
  });

  it("CVE-2021-44532: a name that holds separators is one name, whatever it looks like", () => {
    const hostile = [
      "evil.example, URI:spiffe://example.org/billing",
      'a", URI:"spiffe://example.org/billing',
      "good.example.com\0.evil.example",
      "a\nDNS:good.example.com",
      "*.example.com",
    ];
    const { dnsNames, uris } = namesOf({ dns: hostile });
    assert.deepEqual(
      dnsNames,
      hostile.map((name) => name.toLowerCase()),
    );
    assert.deepEqual(uris, []);
    const uri = "spiffe://example.org/a, URI:spiffe://example.org/billing";
    assert.deepEqual(namesOf({ uris: [uri] }).uris, [uri]);
  });

  it("are never read from what is no certificate, and reading never throws", () => {
    const { raw } = new X509Certificate(readFileSync(authority.certificate));
    assert.ok(readCertificateNames(raw) !== undefined);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void readCertificateNames(bytes)));
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Uint8Array.from(raw);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        readCertificateNames(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: raw.length - 1 }), (length) => {
        assert.equal(readCertificateNames(raw.subarray(0, length)), undefined);
      }),
    );
  });

  it("are read from DER only: indefinite, long and stray lengths are none", () => {
    for (const hex of [
      "3080",
      "308105ffffffffff",
      "30820005ffffffffff",
      "300500",
      "1f8101",
      "30",
      "3084ffffffff",
    ])
      assert.equal(readDer(Buffer.from(hex, "hex")), undefined, hex);
    assert.deepEqual(readDer(new Uint8Array()), []);
  });
});

describe("a subject as text", () => {
  it("is compared by its attributes, not by how it is written", () => {
    const key = parseSubject("CN=Jos\\C3\\A9+UID=7,DC=example,DC=org")?.key;
    assert.equal(parseSubject("uid=7+cn=José, dc=example, 0.9.2342.19200300.100.1.25=org")?.key, key);
    for (const other of [
      "CN=josé+UID=7,DC=example,DC=org",
      "CN=José,UID=7,DC=example,DC=org",
      "CN=José+UID=7,DC=org,DC=example",
      "CN=José+UID=7,DC=example",
    ])
      assert.notEqual(parseSubject(other)?.key, key, other);
  });

  it("is not guessed at", () => {
    for (const text of [
      "",
      "alice",
      "CN=",
      "CN=a,",
      "CN=a,,O=b",
      "CN=a ,O=b",
      "CN=a;O=b",
      'CN="a"',
      "XX=a",
      "CN=#0401",
      "CN=a\\",
      "CN=\\FF",
      "/CN=a",
    ])
      assert.equal(parseSubject(text), undefined, text);
  });

  it("holds any value that is escaped", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0x2fff }), { minLength: 1 }), (points) => {
        const value = String.fromCodePoint(...points);
        const escaped = [...Buffer.from(value)]
          .map((byte) => `\\${byte.toString(16).padStart(2, "0")}`)
          .join("");
        assert.deepEqual(parseSubject(`CN=${escaped},O=x`)?.commonNames, [value]);
      }),
    );
  });
});

describe("a SPIFFE ID", () => {
  it("is exactly of its form", () => {
    const path = "required";
    assert.ok(isSpiffeId("spiffe://example.org/ns/prod/sa/billing", { path }));
    for (const text of [
      "spiffe://example.org",
      "spiffe://example.org/",
      "spiffe://example.org/a/",
      "spiffe://example.org//a",
      "spiffe://example.org/a/../b",
      "spiffe://example.org/./a",
      "spiffe://Example.org/a",
      "SPIFFE://example.org/a",
      "spiffe://example.org:8080/a",
      "spiffe://user@example.org/a",
      "spiffe://example.org/a?b",
      "spiffe://example.org/a#b",
      "spiffe://example.org/%61",
      "spiffe://example.org/a, URI:spiffe://example.org/b",
      "spiffe://example.org/a\n",
      `spiffe://example.org/${"a".repeat(2048)}`,
      "https://example.org/a",
    ])
      assert.ok(!isSpiffeId(text, { path }), text);
  });

  it("lies below whole segments", () => {
    assert.deepEqual(spiffeParents("spiffe://td/ns/prod/sa"), [
      "spiffe://td/ns/prod",
      "spiffe://td/ns",
      "spiffe://td",
    ]);
    assert.deepEqual(spiffeParents("spiffe://td/a"), ["spiffe://td"]);
  });
});
