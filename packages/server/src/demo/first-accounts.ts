import { randomBytes } from "node:crypto";
import { createKeyDigests, generateApiKey } from "countersign/api-key";
import { Conflict, type Store } from "countersign/store";
import type { Config } from "../config/config.ts";
import { createPasswords } from "../passwords.ts";
import { peppersOf } from "../stored-keys.ts";

/** What the first start of `countersign dev` makes. */
export interface FirstAccounts {
  readonly users: readonly { readonly username: string; readonly password: string; readonly kind: string }[];
  /** One of alice's. */
  readonly apiKey: string;
}

const accounts = [
  { username: "admin", kind: "superuser", isStaff: true, isSuperuser: true },
  { username: "sam", kind: "staff", isStaff: true, isSuperuser: false },
  { username: "alice", kind: "user", isStaff: false, isSuperuser: false },
] as const;

/**
 * Makes the users of an empty store, with ids 1, 2 and 3, and a key of the plain one's. Undefined if another process that
 * started at the same moment is making them.
 */
export async function firstAccounts(store: Store, config: Config): Promise<FirstAccounts | undefined> {
  const users: FirstAccounts["users"][number][] = [];
  const passwords = createPasswords();
  let ownerId = "";
  for (const { username, kind, isStaff, isSuperuser } of accounts) {
    const password = randomBytes(15).toString("base64url");
    const email = `${username}@example.com`;
    const passwordHash = await passwords.hash(password);
    const creating = store.users.create({ username, email, isStaff, isSuperuser, passwordHash });
    const user = await creating.catch((error: unknown) => {
      // The first one decides who makes them all.
      if (users.length === 0 && error instanceof Conflict) return undefined;
      throw error;
    });
    if (user === undefined) return undefined;
    users.push({ username, password, kind });
    ownerId = user.id;
  }
  const { environment, prefix } = config.auth.api_keys;
  const { id, body, key } = generateApiKey(environment, { prefix });
  const digests = createKeyDigests(peppersOf(config));
  await store.apiKeys.create({
    ...digests.digest(body),
    id,
    name: "first key",
    type: "development",
    prefix: body.slice(0, body.lastIndexOf("_")),
    userId: ownerId,
  });
  return { users, apiKey: key };
}
