import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { Algorithm } from "../../src/jwt/algorithms.ts";
import type { InvalidToken } from "../../src/jwt/invalid-token.ts";
import type { Jwk } from "../../src/jwt/jwk.ts";
import { hmacKey, importJwk, privateKey, publicKey, type VerificationKey } from "../../src/jwt/key.ts";
import { createKeyRing, type KeyRing, keyRingFromJwks } from "../../src/jwt/key-ring.ts";
import { signToken } from "../../src/jwt/signer.ts";
import { createTokenCache } from "../../src/jwt/token-cache.ts";
import { createTokenVerifier, type TokenVerifierOptions, type VerifiedToken } from "../../src/jwt/verifier.ts";
import { encode, sign } from "./fixtures.ts";

const now = 1_800_000_000_000;
const claims = { sub: "7", exp: now / 1000 + 900, token_type: "access" };
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");
const rs256 = privateKey({ key: rsa.privateKey, algorithm: "RS256", kid: "r" });
const es256 = privateKey({ key: ec.privateKey, algorithm: "ES256", kid: "e" });
const hs256 = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "h" });

type Outcome = VerifiedToken | InvalidToken;

function check(key: VerificationKey, token: string, options: Partial<TokenVerifierOptions> = {}): Promise<Outcome> {
  return Promise.resolve(createTokenVerifier({ keys: createKeyRing([key]), ...options }).verify(token, now));
}

async function refuses(key: VerificationKey, token: string, what = token, options: Partial<TokenVerifierOptions> = {}) {
  const outcome = await check(key, token, options);
  assert.ok(!outcome.ok && outcome.reason === "TOKEN_INVALID", what);
}

/** A token whose MAC is made with any bytes as the secret, as an attacker would. */
function forgeHmac(header: object, secret: Uint8Array | string, hash = "sha256"): string {
  const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(claims))}`;
  return `${input}.${createHmac(hash, secret).update(input).digest("base64url")}`;
}

/** The public key in every rendering that an attacker might sign with. */
function renderings(pair: typeof rsa): Buffer[] {
  const spki = pair.publicKey.export({ type: "spki", format: "pem" }) as string;
  const der = pair.publicKey.export({ type: "spki", format: "der" });
  const jwk = JSON.stringify(pair.publicKey.export({ format: "jwk" }));
  const pkcs1 = pair === rsa ? [pair.publicKey.export({ type: "pkcs1", format: "pem" }) as string] : [];
  const pems = [spki, ...pkcs1].flatMap((pem) => [pem, pem.trim(), `\n${pem}`, ` ${pem}`, `\ufeff${pem}`, pem.replaceAll("\n", "\r\n"), pem.replaceAll("\n", "")]);
  const texts = [...pems, jwk, `{"keys":[${jwk}]}`, der.toString("base64"), der.toString("base64url"), der.toString("hex")];
  return [der, ...texts.map((text) => Buffer.from(text))];
}

test("CVE-2015-9235: alg none in any case, and HMAC with a public key", async () => {
  const body = encode(JSON.stringify(claims));
  for (const key of [hs256, rs256.publicKey, es256.publicKey]) {
    for (const alg of ["none", "None", "NONE", "nOnE", "none ", "", null, undefined, 0, [], ["none"]]) {
      for (const header of [{ alg }, { alg, kid: key.kid }, { alg, typ: "JWT", kid: key.kid }]) {
        const input = `${encode(JSON.stringify(header))}.${body}`;
        for (const signature of ["", "AA", hs256.sign(input)]) await refuses(key, `${input}.${signature}`);
      }
    }
  }
});

for (const id of ["CVE-2023-48223", "CVE-2026-34950", "GHSA-ww5h", "GHSA-g3jj"]) {
  test(`${id}: a public key is no HMAC secret, in any rendering`, async () => {
    for (const [key, pair] of [[rs256, rsa], [es256, ec], [privateKey({ key: ed.privateKey, algorithm: "EdDSA", kid: "d" }), ed]] as const) {
      for (const secret of renderings(pair)) {
        for (const [alg, hash] of [["HS256", "sha256"], ["HS384", "sha384"], ["HS512", "sha512"]] as const) {
          for (const kid of [key.kid, undefined]) await refuses(key.publicKey, forgeHmac({ alg, kid }, secret, hash));
          assert.throws(() => hmacKey({ secret, algorithm: alg }), TypeError, secret.toString().slice(0, 40));
        }
      }
    }
  });
}

for (const id of ["CVE-2026-22817", "CVE-2026-22818"]) {
  test(`${id}: the key says which algorithm it is for, the token never does`, async () => {
    const families: readonly (readonly [Algorithm, typeof rsa])[] = [["RS256", rsa], ["PS256", rsa], ["ES256", ec], ["EdDSA", ed], ["Ed25519", ed]];
    for (const [configured, pair] of families) {
      const bare = { ...pair.publicKey.export({ format: "jwk" }), kid: "k" } as Jwk;
      const ring = keyRingFromJwks({ keys: [bare] }, { algorithms: [configured] });
      const verifier = createTokenVerifier({ keys: ring });
      for (const [claimed, signs] of [...families, ["RS384", rsa] as const, ["PS512", rsa] as const]) {
        const token = sign({ alg: claimed, kid: "k" }, claims, privateKey({ key: signs.privateKey, algorithm: claimed }));
        assert.equal((await verifier.verify(token, now)).ok, claimed === configured, `${configured} ${claimed}`);
      }
      for (const alg of ["HS256", "HS384", "HS512"]) {
        const forged = forgeHmac({ alg, kid: "k" }, JSON.stringify(bare));
        assert.ok(!(await verifier.verify(forged, now)).ok);
      }
    }
    assert.throws(() => createKeyRing([hs256, rs256.publicKey]), TypeError);
  });
}

test("CVE-2022-21449: psychic signatures, and every other form than r and s in 64 bytes", async () => {
  const n = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  const numbers = ["00".repeat(32), `${"00".repeat(31)}01`, n, `${n.slice(0, -2)}50`, "ff".repeat(32)];
  const input = `${encode('{"alg":"ES256","kid":"e"}')}.${encode(JSON.stringify(claims))}`;
  const raw = numbers.flatMap((r) => numbers.map((s) => Buffer.from(r + s, "hex")));
  const der = ["3006020100020100", "3006020101020101", "30080202000002020000", "3000"].map((hex) => Buffer.from(hex, "hex"));
  const good = Buffer.from(es256.sign(input), "base64url");
  const bent = [good.subarray(0, 63), Buffer.concat([good, Buffer.alloc(1)]), Buffer.concat([Buffer.alloc(1), good]), Buffer.alloc(0)];
  for (const signature of [...raw, ...der, ...bent]) {
    const token = `${input}.${signature.toString("base64url")}`;
    for (const answer of await Promise.all([check(es256.publicKey, token), check(es256.publicKey, token)])) assert.ok(!answer.ok);
  }
  assert.ok((await check(es256.publicKey, `${input}.${good.toString("base64url")}`)).ok);
});

for (const [id, what] of [["GHSA-gmvf", "an empty or short secret"], ["GHSA-8wpc", "a secret that is not there"], ["CVE-2026-45363", "a key that a resolver did not find"]] as const) {
  test(`${id}: ${what} never verifies anything`, () => {
    const nothing = [undefined, null, "", 0, false, Number.NaN, [], {}, new Uint8Array(0), Buffer.alloc(0), "short", randomBytes(31)];
    for (const secret of nothing) assert.throws(() => hmacKey({ secret: secret as string, algorithm: "HS256" }), TypeError);
    for (const key of nothing) {
      assert.throws(() => createKeyRing([key as unknown as VerificationKey]), TypeError);
      assert.throws(() => publicKey({ key: key as string, algorithm: "RS256" }), TypeError);
      const verifier = createTokenVerifier({ keys: () => key as unknown as KeyRing });
      for (const secret of ["", "undefined", "null", Buffer.alloc(32)]) {
        assert.throws(() => verifier.verify(forgeHmac({ alg: "HS256", kid: "h" }, secret), now), TypeError);
      }
    }
    for (const k of ["", "AA", undefined]) assert.throws(() => importJwk({ kty: "oct", alg: "HS256", k }), TypeError);
  });
}

test("CVE-2018-0114: keys in the header are not used, and their addresses not visited", async () => {
  let visits = 0;
  const canary = createServer((_, response) => response.end(String(++visits))).listen(0, "127.0.0.1");
  await new Promise((resolve) => canary.once("listening", resolve));
  const url = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/keys`;
  const evil = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const attacker = privateKey({ key: evil.privateKey, algorithm: "RS256" });
  const jwk = evil.publicKey.export({ format: "jwk" });
  const x5c = [evil.publicKey.export({ type: "spki", format: "der" }).toString("base64")];
  for (const extra of [{ jwk }, { jku: url }, { x5u: url }, { x5c }, { jwk, jku: url, x5u: url, x5c, x5t: "AA" }]) {
    for (const kid of ["r", undefined, url, "../../dev/null"]) {
      await refuses(rs256.publicKey, sign({ alg: "RS256", kid, ...extra }, claims, attacker));
    }
    const symmetric = sign({ alg: "HS256", kid: "h", ...extra }, claims, hmacKey({ secret: randomBytes(32), algorithm: "HS256" }));
    await refuses(hs256, symmetric);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(visits, 0);
  await new Promise((resolve) => canary.close(resolve));
});

test("kid injection: a kid is a name to look up, whatever it says", async () => {
  const kids = ["/dev/null", "../../../etc/passwd", "' OR 1=1 --", "__proto__", "constructor", "h\0", "H", " h", "h ", "k".repeat(5000), "", 7, null, {}, ["h"]];
  for (const kid of kids) {
    for (const secret of ["", "\0", Buffer.alloc(32)]) await refuses(hs256, forgeHmac({ alg: "HS256", kid }, secret), String(kid));
    await refuses(hs256, sign({ alg: "HS256", kid }, claims, hs256), String(kid));
  }
});

for (const id of ["CVE-2025-59420", "CVE-2026-32597", "GHSA-hm7r"]) {
  test(`${id}: critical extensions are refused, and b64 with them`, async () => {
    const extensions = [
      { crit: ["x"], x: 1 },
      { crit: ["exp"], exp: 1 },
      { crit: [] },
      { crit: ["b64"], b64: true },
      { crit: ["b64"], b64: false },
      { b64: false },
      { b64: true },
      { crit: "x" },
      { crit: null },
      { crit: {} },
      { crit: ["alg"] },
    ];
    for (const key of [hs256, rs256, es256]) {
      const verifies = "publicKey" in key ? key.publicKey : key;
      for (const extension of extensions) {
        await refuses(verifies, sign({ alg: key.algorithm, kid: key.kid, ...extension }, claims, key), JSON.stringify(extension));
      }
    }
    const escaped = `{"alg":"HS256","kid":"h","cri\\u0074":["x"],"x":1}`;
    await refuses(hs256, sign(escaped, claims, hs256), "an escape in the name");
    // RFC 7797: the payload as it is, without base64url.
    const input = `${encode('{"alg":"HS256","kid":"h","b64":false,"crit":["b64"]}')}.{"sub":"7"}`;
    await refuses(hs256, `${input}.${hs256.sign(input)}`);
  });
}

for (const id of ["CVE-2023-51774", "CVE-2024-28176"]) {
  test(`${id}: encrypted and compressed tokens are refused by their shape, at no cost`, async () => {
    const bomb = encode(JSON.stringify({ alg: "PBES2-HS512+A256KW", enc: "A256GCM", p2c: 2 ** 31 - 1, p2s: "AAAA", zip: "DEF" }));
    const started = process.hrtime.bigint();
    for (let i = 0; i < 1000; i++) {
      await refuses(hs256, `${bomb}.AAAA.AAAA.AAAA.AAAA`);
      await refuses(hs256, `${bomb}..AAAA.AAAA.AAAA`);
      await refuses(hs256, `${bomb}.AAAA.AAAA`);
    }
    assert.ok(Number(process.hrtime.bigint() - started) / 1e6 < 5000, "3,000 refusals within five seconds");
    await refuses(hs256, sign({ alg: "HS256", kid: "h", zip: "DEF" }, claims, hs256));
    await refuses(hs256, sign({ alg: "HS256", kid: "h" }, { ...claims, pad: "x".repeat(1 << 20) }, hs256), "a megabyte");
  });
}

test("CVE-2025-62610: a token for somebody else, or of another kind, is not ours", async () => {
  const forOthers = [{ aud: "other" }, { aud: ["other"] }, { aud: [] }, { aud: "" }, { aud: "API" }, { aud: "api " }, { aud: { api: true } }, {}];
  for (const claim of forOthers) await refuses(hs256, signToken({ ...claims, ...claim }, hs256), JSON.stringify(claim), { audience: "api" });
  await refuses(hs256, signToken({ ...claims, aud: "other" }, hs256), "an audience, and none configured");
  for (const token_type of ["refresh", "id", "reset", undefined]) await refuses(hs256, signToken({ ...claims, token_type }, hs256));
  for (const typ of ["at+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "oauth-authz-req+jwt"]) {
    await refuses(hs256, signToken(claims, hs256, { typ }), typ);
    for (const expected of ["at+jwt", "logout+jwt"].filter((name) => name !== typ)) await refuses(hs256, signToken(claims, hs256, { typ }), typ, { typ: expected });
  }
});

test("CVE-2025-30144: an issuer is one string, and nothing that contains it", async () => {
  const issuer = "https://id.example";
  const others = [[issuer], [issuer, "https://evil.example"], ["https://evil.example", issuer], { 0: issuer }, `${issuer}/`, `${issuer}.evil`, ` ${issuer}`, "", null, undefined];
  for (const iss of others) await refuses(hs256, signToken({ ...claims, iss }, hs256), JSON.stringify(iss), { issuer });
  assert.ok((await check(hs256, signToken({ ...claims, iss: issuer }, hs256), { issuer })).ok);
});

for (const id of ["CVE-2026-35030", "GHSA-rp9m"]) {
  test(`${id}: the cache tells tokens apart by their whole text`, () => {
    const cache = createTokenCache<{ readonly value: string; readonly user: string }>({ capacity: 100 });
    const token = `Bearer ${signToken(claims, hs256)}`;
    cache.set({ value: token, user: "7" });
    const tail = token.slice(-20);
    const others = [tail, `Bearer x.y.${tail}`, token.replace("Bearer", "bearer"), ` ${token}`, token.replace(".", ".A"), token.slice(1)];
    for (const other of others) assert.equal(cache.get(other), undefined);
    assert.equal(cache.get(token)?.user, "7");
  });
}

test("respelling: a signed token has one spelling, for every decoder's leniency", async () => {
  for (const key of [hs256, rs256, es256]) {
    const verifies = "publicKey" in key ? key.publicKey : key;
    const token = signToken(claims, key);
    const [head = "", body = "", signature = ""] = token.split(".");
    const bytes = Buffer.from(signature, "base64url");
    const spellings = [`${token}=`, `${token}==`, ` ${token}`, `${token}\n`, `${head}=.${body}.${signature}`, `${head}.${body}=.${signature}`];
    const standard = [bytes.toString("base64"), `${signature}\t`, bytes.toString("hex")].filter((text) => text !== signature);
    for (const other of [...spellings, ...standard.map((text) => `${head}.${body}.${text}`)]) await refuses(verifies, other);
  }
});
