import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { isKeyMaterial } from "./public-material.ts";

const pairs = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  "P-256": generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "P-384": generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "P-521": generateKeyPairSync("ec", { namedCurve: "P-521" }),
  ed25519: generateKeyPairSync("ed25519"),
};

/** Ways in which a text turns up in configuration. */
function spellings(text: string): string[] {
  return [
    text,
    text.trim(),
    `\n\t ${text}`,
    `\ufeff${text}`,
    `# our key\n${text}`,
    text.replaceAll("\n", "\r\n"),
    text.replaceAll("\n", "\\n"),
    text.replaceAll("\n", ""),
    text.replaceAll("\n", " "),
    text.toLowerCase(),
    `"${text}"`,
  ];
}

for (const [name, { publicKey, privateKey }] of Object.entries(pairs)) {
  const jwk = publicKey.export({ format: "jwk" });
  const pems = [
    publicKey.export({ type: "spki", format: "pem" }) as string,
    privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    ...(name === "rsa" ? [publicKey.export({ type: "pkcs1", format: "pem" }) as string] : []),
  ];
  const ders = [
    publicKey.export({ type: "spki", format: "der" }),
    privateKey.export({ type: "pkcs8", format: "der" }),
    ...(name === "rsa" ? [publicKey.export({ type: "pkcs1", format: "der" })] : []),
  ];
  const points =
    jwk.y === undefined
      ? []
      : [
          Buffer.concat([
            Buffer.from([4]),
            Buffer.from(jwk.x ?? "", "base64url"),
            Buffer.from(jwk.y, "base64url"),
          ]),
        ];

  test(`${name}: PEM, however it was pasted`, () => {
    for (const pem of pems) {
      for (const text of spellings(pem))
        assert.ok(isKeyMaterial(Buffer.from(text)), JSON.stringify(text.slice(0, 60)));
      for (const encoding of ["base64", "base64url", "hex"] as const) {
        assert.ok(isKeyMaterial(Buffer.from(Buffer.from(pem).toString(encoding))), encoding);
      }
      assert.ok(isKeyMaterial(Buffer.from(pem, "utf16le")), "UTF-16");
    }
  });

  test(`${name}: DER and points, bare and in every text encoding`, () => {
    for (const der of [...ders, ...points]) {
      const base64 = der.toString("base64");
      const hex = der.toString("hex");
      assert.ok(isKeyMaterial(der));
      const texts = [
        base64,
        base64.replace(/=+$/, ""),
        der.toString("base64url"),
        hex,
        hex.toUpperCase(),
        `0x${hex}`,
        hex.replace(/..(?!$)/g, "$&:"),
      ];
      for (const text of [...texts, base64.replace(/.{64}/g, "$&\n"), ` ${base64}\n`]) {
        assert.ok(isKeyMaterial(Buffer.from(text)), text.slice(0, 40));
      }
    }
  });

  test(`${name}: JWK and JWK Set`, () => {
    for (const value of [jwk, { keys: [jwk] }, [jwk], { ...jwk, alg: "x" }]) {
      for (const text of [
        JSON.stringify(value),
        JSON.stringify(value, null, 2),
        ` ${JSON.stringify(value)}\n`,
      ]) {
        assert.ok(isKeyMaterial(Buffer.from(text)));
        assert.ok(isKeyMaterial(Buffer.from(Buffer.from(text).toString("base64"))));
      }
    }
  });
}

test("SSH public keys", () => {
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from("ssh-ed25519"),
    Buffer.from([0, 0, 0, 32]),
    randomBytes(32),
  ]);
  for (const text of [
    `ssh-ed25519 ${blob.toString("base64")} ada@x`,
    blob.toString("base64"),
    "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA",
  ]) {
    assert.ok(isKeyMaterial(Buffer.from(text)), text);
  }
});

test("certificates", (t) => {
  const script =
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout /dev/null 2>/dev/null";
  let pem: string;
  try {
    pem = execFileSync("sh", ["-c", script], { encoding: "utf8" });
  } catch {
    t.diagnostic("openssl is not installed: the certificate case was not run");
    return;
  }
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
  for (const bytes of [
    Buffer.from(pem),
    der,
    Buffer.from(der.toString("base64")),
    Buffer.from(der.toString("hex")),
  ]) {
    assert.ok(isKeyMaterial(bytes));
  }
});

test("secrets are not", () => {
  const secrets = [
    "correct horse battery staple, and a few more words",
    "django-insecure-#k3y+that=is*long&enough!for@hs256^really",
    "0123456789abcdef0123456789abcdef",
    "the key is: begin at the beginning, PUBLIC or not",
    '{"not":"a key, but a JSON text of some length"}',
  ];
  for (const secret of secrets) assert.ok(!isKeyMaterial(Buffer.from(secret)), secret);
  for (let i = 0; i < 2000; i++) {
    const bytes = randomBytes(32 + (i % 120));
    if (i % 3 === 0) bytes[0] = i % 2 === 0 ? 0x30 : 0x04;
    for (const secret of [bytes, Buffer.from(bytes.toString("base64")), Buffer.from(bytes.toString("hex"))])
      assert.ok(!isKeyMaterial(secret));
  }
});
