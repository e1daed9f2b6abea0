import { randomBytes } from "node:crypto";
import type { UserAccount } from "../core/user.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing, type KeyRing } from "../jwt/key-ring.ts";
import { type CreateJwtOptions, createJwtForUser } from "../jwt/signer.ts";
import { createKeyDigests, type Pepper } from "../keys/key-digest.ts";
import { generateApiKey } from "../keys/key-format.ts";
import type { ApiKeyRecord, ApiKeyStore, NewApiKey } from "../store/contracts.ts";
import { fakeAccount } from "./fake-call.ts";

// New in each process: nothing that is made with them is worth anything elsewhere.
const testKey = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "test" });

/** For `jwt({ keys: testKeys })`: recognises what `signTestToken()` signs, in this process. */
export const testKeys: KeyRing = createKeyRing([testKey]);

/** For `apiKey({ peppers: [testPepper] })`: recognises what `testApiKey()` makes, in this process. */
export const testPepper: Pepper = Object.freeze({ id: "test", secret: randomBytes(32) });

/** A token of an account: `signTestToken({ id: "7", isStaff: true })`. Of a quarter of an hour, unless the options say more. */
export function signTestToken(
  user: Partial<UserAccount> = {},
  options: Partial<CreateJwtOptions> = {},
): string {
  return createJwtForUser(fakeAccount(user), { key: testKey, ...options });
}

export interface TestApiKey {
  /** What a client sends in `x-api-key`. */
  readonly key: string;
  readonly record: ApiKeyRecord;
}

/** Puts a key of somebody's into a store. */
export async function testApiKey(
  keys: Pick<ApiKeyStore, "create">,
  { userId, ...more }: Partial<NewApiKey> & Pick<NewApiKey, "userId">,
): Promise<TestApiKey> {
  const { key, id, body } = generateApiKey("test");
  const digest = createKeyDigests([testPepper]).digest(body);
  const record = await keys.create({ id, name: `test ${id}`, type: "service", userId, ...digest, ...more });
  return { key, record };
}
