import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Jwk } from "../../src/jwt/jwk.ts";

/** One vector of C2SP/wycheproof, `testvectors_v1`. */
export interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "invalid" | "acceptable";
  /** A string, an object for the JSON serialization, or nothing. */
  readonly jws?: unknown;
  readonly jwe?: unknown;
}

export interface Group {
  readonly comment: string;
  readonly private: Jwk | { readonly keys: readonly Jwk[] };
  readonly public?: Jwk | { readonly keys: readonly Jwk[] };
  readonly tests: readonly Vector[];
}

const digests: Readonly<Record<string, string>> = {
  "json_web_signature_test.json": "8e687a06fe8359f4ec51480f1a9f73c8faebd6f4c01b818b843b44eee54fd5d9",
  "json_web_key_test.json": "be983255bce26406f97020ec5458b33930a90d5f868e604fcd569c300aba2862",
  "json_web_crypto_test.json": "dcd58ac9548a7d6173437a691e4cc307dcd3cec9fd814a39cd2a94531cf4f8ce",
};

/** Where the vectors are looked for: `$WYCHEPROOF_DIR`, then `../shared/wycheproof` beside the repository. */
export function wycheproofDirectory(): string | undefined {
  const beside = fileURLToPath(new URL("../../../../../shared/wycheproof", import.meta.url));
  const candidates = [process.env["WYCHEPROOF_DIR"], beside];
  return candidates.find(
    (directory) => directory !== undefined && existsSync(`${directory}/json_web_signature_test.json`),
  );
}

/** The groups of a file that is what it was when the table of refusals was written. */
export function wycheproofGroups(directory: string, file: string): readonly Group[] {
  const bytes = readFileSync(`${directory}/${file}`);
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== digests[file]) throw new Error(`${file} is another version: ${digest}`);
  const { testGroups, numberOfTests } = JSON.parse(bytes.toString("utf8"));
  const count = testGroups.reduce((sum: number, group: Group) => sum + group.tests.length, 0);
  if (count !== numberOfTests) throw new Error(`${file} has ${count} vectors, and says ${numberOfTests}`);
  return testGroups;
}
