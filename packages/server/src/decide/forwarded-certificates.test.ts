import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type CertificateFiles,
  type CertificateSpec,
  scratchPath,
  selfSigned,
  TestAuthority,
} from "../../../../tools/certificates.ts";
import { readForwardedAuthorities } from "../tls/forwarded-authorities.ts";
import { createForwardedCertificates } from "./forwarded-certificates.ts";

const authority = new TestAuthority("callers");
const hour = 3_600_000;
const own = [new X509Certificate(readFileSync(authority.certificate))];
const authorities = () => own;
const forwarded = createForwardedCertificates({ authorities });

/** As Envoy's `urlEncodedPemEncodedPeerCertificate()` has it. */
function encoded({ certificate }: CertificateFiles): string {
  const signs: Record<string, string> = { "\n": "%0A", " ": "%20", "+": "%2B", "/": "%2F", "=": "%3D" };
  const text = new X509Certificate(readFileSync(certificate)).toString();
  return text.replace(/[\n +/=]/g, (sign) => signs[sign] ?? sign);
}

const issued = (spec: CertificateSpec = {}): string =>
  encoded(authority.issue({ dns: ["ann.test"], ...spec }));

describe("a certificate that a proxy forwards", () => {
  it("is what it is, and the same array each time", () => {
    const files = authority.issue({ dns: ["ann.test"], usage: "clientAuth" });
    const der = forwarded.read(encoded(files));
    deepEqual(der, new X509Certificate(readFileSync(files.certificate)).raw);
    equal(forwarded.read(encoded(files)), der);
    ok(forwarded.read(issued()) !== undefined, "without a word about its use");
  });

  it("SECURITY: is none that nobody here has signed, that is not for clients, or that is not good now", () => {
    const others = {
      "of another authority": encoded(new TestAuthority("callers").issue({ dns: ["ann.test"] })),
      "of its own making": encoded(selfSigned({ subject: "/CN=ann" })),
      "for servers": issued({ usage: "serverAuth" }),
      "that has expired": issued({ to: new Date(Date.now() - hour / 2) }),
      "that is not valid yet": issued({ from: new Date(Date.now() + hour) }),
      "of somebody whom an authority has signed": encoded(
        new TestAuthority("ann", authority.issue({ subject: "/CN=ann" })).issue({}),
      ),
    };
    for (const [name, text] of Object.entries(others)) equal(forwarded.read(text), undefined, name);
  });

  it("SECURITY: is none that can be read in two ways, or not at all", () => {
    const good = issued();
    const base64 = decodeURIComponent(good).replace(/-----.*-----|\n/g, "");
    for (const text of [
      ...["", "%", "%0A", "nonsense", base64, `${good}${good}`, `x${good}`, `${good}x`, good.slice(0, -30)],
      ...[good.replaceAll("CERTIFICATE", "TRUSTED%20CERTIFICATE"), good.padEnd(20_000, "%0A")],
    ])
      equal(forwarded.read(text), undefined, text.slice(0, 60));
    fc.assert(fc.property(fc.string(), (text) => forwarded.read(text) === undefined));
    const wrapped = (bytes: Uint8Array): string =>
      encodeURIComponent(
        `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString("base64")}\n-----END CERTIFICATE-----\n`,
      );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => forwarded.read(wrapped(bytes)) === undefined));
  });

  it("ends with its time and with its authority's, also where it is known; few are remembered", () => {
    let now = Date.now();
    const few = createForwardedCertificates({ authorities, capacity: 1, now: () => now });
    const [short, long] = [issued({ to: new Date(Date.now() + hour) }), issued()];
    const first = few.read(short);
    ok(first !== undefined && few.read(long) !== undefined);
    ok(few.read(short) !== first, "it was read anew");
    now += 2 * hour;
    deepEqual([few.read(short), few.read(long) === undefined], [undefined, false]);
    now += 31 * 24 * hour;
    equal(few.read(long), undefined);
  });
});

it("SECURITY: a certificate that was believed is not, from the call on at which its authority is no longer one", () => {
  const other = new TestAuthority("others");
  let current = own;
  const changing = createForwardedCertificates({ authorities: () => current });
  const [ofOwn, ofOther] = [issued(), encoded(other.issue({ dns: ["ann.test"] }))];
  const believes = () => [ofOwn, ofOther].map((text) => changing.read(text) !== undefined);
  deepEqual(believes(), [true, false]);
  const theirs = new X509Certificate(readFileSync(other.certificate));
  current = [...own, theirs];
  deepEqual(believes(), [true, true]);
  current = [theirs];
  deepEqual(believes(), [false, true]);
});

it("a file without authorities stops the start", () => {
  const file = (content: string): string => {
    const path = scratchPath("authorities.pem");
    writeFileSync(path, content);
    return path;
  };
  const read = (path: string) => () => readForwardedAuthorities(path);
  equal(read(authority.certificate)().length, 1);
  throws(
    read("/nowhere.pem"),
    /^ConfigError: proxies\.client_ca_file \/nowhere\.pem cannot be read \(ENOENT\)/,
  );
  throws(read(file("nothing")), /holds no certificate in PEM/);
  throws(read(authority.issue({}).certificate), /holds a certificate that may sign no other: CN=test/);
});
