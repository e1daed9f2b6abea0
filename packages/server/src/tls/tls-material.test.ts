import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  type CertificateFiles,
  openssl,
  scratchPath,
  selfSigned,
  TestAuthority,
} from "../../../../tools/certificates.ts";
import { ConfigError } from "../config/config-error.ts";
import { loadTlsMaterial } from "./tls-material.ts";
import type { TlsSettings } from "./tls-settings.ts";

const authority = new TestAuthority("servers");
const good = authority.issue({ dns: ["localhost"] });
const hour = 3_600_000;

function settings(files: CertificateFiles, more: Partial<TlsSettings> = {}): TlsSettings {
  return {
    certificate_file: files.certificate,
    key_file: files.key,
    client_certificates: "none",
    min_version: "TLSv1.2",
    ...more,
  };
}

const asking = (path: string): Partial<TlsSettings> => ({
  client_ca_file: path,
  client_certificates: "required",
});

function encrypted(): string {
  const path = scratchPath("encrypted.key");
  openssl("pkcs8", "-topk8", "-in", good.key, "-out", path, "-passout", "pass:x");
  return path;
}

function weak(): CertificateFiles {
  const [certificate, key] = [scratchPath("weak.pem"), scratchPath("weak.key")];
  const subject = ["-subj", "/CN=weak", "-days", "9"];
  openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", ...subject, "-keyout", key, "-out", certificate);
  return { certificate, key };
}

function joined(...paths: readonly string[]): string {
  const path = scratchPath("joined.pem");
  writeFileSync(path, "");
  for (const each of paths) appendFileSync(path, readFileSync(each));
  return path;
}

describe("the files of a tls block that cannot be used", () => {
  const expired = authority.issue({ to: new Date(Date.now() - 60_000) });
  const garbage = scratchPath("garbage.pem");
  writeFileSync(garbage, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  for (const [name, wrong, says] of [
    [
      "another's key",
      settings({ ...good, key: expired.key }),
      /key_file \S+ is not the key of the certificate/,
    ],
    ["a certificate that has expired", settings(expired), /certificate_file \S+ expired at \S+: renew it/],
    [
      "a certificate that is not valid yet",
      settings(authority.issue({ from: new Date(Date.now() + hour) })),
      /certificate_file \S+ is not valid before/,
    ],
    ["no key", settings({ ...good, key: "/nowhere" }), /key_file \/nowhere cannot be read \(ENOENT\)/],
    ["a folder", settings({ ...good, certificate: "/" }), /certificate_file \/ cannot be read \(EISDIR\)/],
    ["an encrypted key", settings({ ...good, key: encrypted() }), /key_file \S+ is encrypted/],
    ["a weak key", settings(weak()), /certificate_file \S+ cannot be used: .*key too small/],
    [
      "key and certificate swapped",
      settings({ certificate: good.key, key: good.certificate }),
      /certificate_file \S+ holds no certificate in PEM/,
    ],
    [
      "garbage",
      settings({ ...good, certificate: garbage }),
      /certificate_file \S+ holds no certificate in PEM/,
    ],
    [
      "a chain with garbage in it",
      settings({ ...good, certificate: joined(good.certificate, garbage) }),
      /certificate_file \S+ holds no certificate in PEM/,
    ],
    [
      "no authority in its file",
      settings(good, asking(good.key)),
      /client_ca_file \S+ holds no certificate in PEM/,
    ],
    [
      "an authority that has expired",
      settings(good, asking(expired.certificate)),
      /client_ca_file \S+ holds no authority that is valid now/,
    ],
  ] as const) {
    it(`${name}: one line with file, cause and remedy`, () => {
      assert.throws(
        () => loadTlsMaterial("grpc.tls", wrong),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, says);
          assert.match(error.message, /^grpc\.tls\.[^\n]+; there is no falling back to plain text$/);
          return true;
        },
      );
    });
  }
});

describe("the files of a tls block that can be used", () => {
  it("are a certificate with its chain, and authorities of which one may have expired", () => {
    const middle = authority.issue({ subject: "/CN=middle", authority: true });
    const leaf = new TestAuthority("middle", middle).issue({ dns: ["localhost"] });
    const old = authority.issue({ subject: "/CN=old", authority: true, to: new Date(Date.now() - hour / 2) });
    const { chain, authorities } = loadTlsMaterial(
      "grpc.tls",
      settings(
        { certificate: joined(leaf.certificate, middle.certificate), key: leaf.key },
        asking(joined(authority.certificate, old.certificate)),
      ),
    );
    assert.deepEqual([chain.length, authorities.length], [2, 2]);
    assert.ok(chain[1] !== undefined && chain[0].checkIssued(chain[1]));
  });

  it("may hold text around the certificates, and one that is its own authority", () => {
    const files = selfSigned();
    const path = scratchPath("text.pem");
    copyFileSync(files.certificate, path);
    appendFileSync(path, "\n# and a remark\n");
    assert.equal(loadTlsMaterial("http.tls", settings({ ...files, certificate: path })).chain.length, 1);
  });
});
