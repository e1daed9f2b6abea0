import {
  createHmac,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { createAuth, type Principal, policyFor } from "countersign";
import {
  claimsForUser,
  createKeyRing,
  createTokenVerifier,
  hmacKey,
  jwt,
  type KeyRing,
  privateKey,
  type SigningKey,
  signToken,
} from "countersign/jwt";
import { createVerifier } from "fast-jwt";
import { type JWTVerifyOptions, jwtVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";
import { BenchCall, procedure, secret } from "./callers.ts";
import { type Competitor, compete, type Figure } from "./measure.ts";

export type ColdAlgorithm = "HS256" | "RS256" | "ES256" | "EdDSA";

export interface ColdResult {
  readonly algorithm: ColdAlgorithm;
  readonly figures: readonly Figure[];
}

const distinct = 4000;
/** Short turns, so that competitors meet the same moments of the machine; each goes through all tokens. */
const turns = 48;
const operations = 256;

interface Material {
  readonly signing: SigningKey;
  readonly ring: KeyRing;
  /** What others verify with, in the form that suits them best. */
  readonly key: KeyObject;
  readonly fastJwtKey: string | Buffer;
  readonly checkRaw: (input: Buffer, signature: Buffer) => boolean;
}

function materialOf(algorithm: ColdAlgorithm): Material {
  if (algorithm === "HS256") {
    const key = createSecretKey(secret);
    const signing = hmacKey({ secret, algorithm });
    const checkRaw = (input: Buffer, signature: Buffer): boolean =>
      timingSafeEqual(createHmac("sha256", key).update(input).digest(), signature);
    return { signing, ring: createKeyRing([signing]), key, fastJwtKey: Buffer.from(secret), checkRaw };
  }
  const pair = keyPair(algorithm);
  const key = createPublicKey(pair);
  const signing = privateKey({ key: pair, algorithm });
  const digest = algorithm === "EdDSA" ? null : "sha256";
  const verifying = algorithm === "ES256" ? ({ key, dsaEncoding: "ieee-p1363" } as const) : key;
  return {
    signing,
    ring: createKeyRing([signing.publicKey]),
    key,
    fastJwtKey: key.export({ type: "spki", format: "pem" }).toString(),
    checkRaw: (input, signature) => verify(digest, input, verifying, signature),
  };
}

function keyPair(algorithm: ColdAlgorithm): KeyObject {
  if (algorithm === "RS256") return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  if (algorithm === "ES256") return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  return generateKeyPairSync("ed25519").privateKey;
}

/** First checks of distinct tokens, one at a time and 64 in flight, beside what others do with the same tokens. */
export async function coldChecks(algorithm: ColdAlgorithm): Promise<ColdResult> {
  const { signing, ring, key, fastJwtKey, checkRaw } = materialOf(algorithm);
  const tokens = Array.from({ length: distinct }, (_, index) => tokenOf(index, signing));
  const verifier = createTokenVerifier({ keys: ring });
  const fastJwt = createVerifier({ key: fastJwtKey, cache: false, algorithms: [algorithm] });
  const options: JWTVerifyOptions = { algorithms: [algorithm], requiredClaims: ["exp", "sub"] };
  const legacy = algorithm === "EdDSA" ? undefined : { algorithms: [algorithm as "HS256"] };
  // Those that the thread pool helps when several are pending need a turn of their own to be measured alone.
  const alone = algorithm === "HS256" || algorithm === "RS256" ? oneByOne : turnByTurn;
  const figures = await compete(turns, operations, {
    "node:crypto, signature": alone((token) => requireTrue(checkSignature(token, checkRaw)), inTurn(tokens)),
    "node:crypto, complete": alone((token) => requireTrue(checkComplete(token, checkRaw)), inTurn(tokens)),
    "our verifier": alone((token) => verifier.verify(token, Date.now()), inTurn(tokens)),
    "our decision": coldDecisions(tokens, ring, alone),
    jose: alone((token) => jwtVerify(token, key, options), inTurn(tokens)),
    "fast-jwt, no cache": alone((token) => fastJwt(token), inTurn(tokens)),
    ...(legacy && {
      jsonwebtoken: alone((token) => jsonwebtoken.verify(token, key, legacy), inTurn(tokens)),
    }),
    "our verifier, 64 in flight": inFlight((token) => verifier.verify(token, Date.now()), inTurn(tokens)),
    "jose, 64 in flight": inFlight((token) => jwtVerify(token, key, options), inTurn(tokens)),
  });
  return { algorithm, figures };
}

function tokenOf(index: number, signing: SigningKey): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = claimsForUser(
    {
      id: String(index),
      username: `user-${index}`,
      email: `user-${index}@example.com`,
      isStaff: false,
      isSuperuser: false,
      roles: ["reader"],
    },
    { expiresIn: 3600, now: iat * 1000 },
  );
  return signToken(claims, signing);
}

/** Goes through all of them, turn after turn. */
function inTurn(tokens: readonly string[]): () => string {
  let at = 0;
  return () => tokens[at++ % tokens.length] ?? "";
}

/** One after the other, each awaited only if it has to be. */
function oneByOne(work: (token: string) => unknown, next: () => string): Competitor {
  return async (operations) => {
    for (let index = 0; index < operations; index++) {
      const result = work(next());
      requireGood(result instanceof Promise ? await result : result);
    }
  };
}

/** Each in a turn of the event loop of its own, as calls that arrive one by one are. Only the work is timed. */
function turnByTurn(work: (token: string) => unknown, next: () => string): Competitor {
  return async (operations) => {
    let spent = 0;
    for (let index = 0; index < operations; index++) {
      await new Promise((resolve) => setImmediate(resolve));
      const start = performance.now();
      const result = work(next());
      requireGood(result instanceof Promise ? await result : result);
      spent += performance.now() - start;
    }
    return spent;
  };
}

function inFlight(work: (token: string) => unknown, next: () => string) {
  return async (operations: number): Promise<void> => {
    for (let index = 0; index < operations; index += 64) {
      const results = await Promise.all(Array.from({ length: 64 }, () => work(next())));
      results.forEach(requireGood);
    }
  };
}

/** Decisions of an `Auth` that has seen none of the tokens: a new one for each round. */
function coldDecisions(tokens: readonly string[], ring: KeyRing, alone: typeof oneByOne): Competitor {
  const policy = [policyFor<Principal>().rules({ say: { path: procedure } }, { say: "authenticated" })];
  const next = inTurn(tokens.map((token) => `Bearer ${token}`));
  return (operations) => {
    const auth = createAuth<Principal>({ authenticators: [jwt({ keys: ring })], policy });
    return alone((value) => auth.decide(new BenchCall(procedure, "authorization", value)), next)(operations);
  };
}

function checkSignature(token: string, check: Material["checkRaw"]): boolean {
  const end = token.lastIndexOf(".");
  return check(Buffer.from(token.slice(0, end), "latin1"), Buffer.from(token.slice(end + 1), "base64url"));
}

/** What the least complete check needs: signature, header, payload, times. */
function checkComplete(token: string, check: Material["checkRaw"]): boolean {
  if (!checkSignature(token, check)) return false;
  const [header = "", payload = ""] = token.split(".");
  const { alg } = JSON.parse(Buffer.from(header, "base64url").toString()) as { alg: string };
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as {
    exp: number;
    sub: string;
    token_type: string;
  };
  const now = Date.now() / 1000;
  return alg !== "none" && claims.exp > now && claims.sub !== "" && claims.token_type === "access";
}

function requireTrue(value: boolean): object {
  if (!value) throw new Error("a good token was refused");
  return good;
}

const good = { ok: true };

function requireGood(result: unknown): void {
  if ((result as { ok?: boolean }).ok === false) throw new Error("a good token was refused");
}
