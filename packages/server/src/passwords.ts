import { hash, verify } from "@node-rs/argon2";

/**
 * Argon2id (RFC 9106) with 19 MiB, two passes and one lane: the floor that OWASP names. One at a time takes about 17 ms
 * of another core. `@node-rs/argon2` works on libuv's pool, which file and DNS access share, so only two run at once.
 */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const concurrent = 2;

let running = 0;
const waiting: (() => void)[] = [];

/** A PHC string of a password. */
export async function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(password.normalize("NFC"), cost));
}

/** Does the password belong to the PHC string? */
export async function verifyPassword(phc: string, password: string): Promise<boolean> {
  return inTurn(() => verify(phc, password.normalize("NFC")));
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= concurrent) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
