import { hash, verify } from "@node-rs/argon2";
import { CallError } from "countersign";
import type { Passwords } from "countersign/service";
import { FairQueue } from "./fair-queue.ts";

/**
 * Argon2id (RFC 9106) with 19 MiB, two passes and one lane, which OWASP names as the floor; about 17 ms of a core.
 * Stored passwords that were made with less are made anew at the next login.
 */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/**
 * `@node-rs/argon2` works on libuv's pool, which file and DNS access share: with more than two at once, those starve.
 * Whoever would be the thousandth in the queue would wait for ten seconds, and is refused at once.
 */
const bounds = {
  concurrent: 2,
  places: 1000,
  placesPerOrigin: 100,
  full: () =>
    new CallError("UNAVAILABLE", "Too many passwords are being checked; try again in a few seconds"),
} as const;

export interface QueuedPasswords extends Passwords {
  /** How many wait to be looked at, or to be made. */
  readonly waiting: () => number;
}

/** Argon2id off the event loop, in a bounded queue. One per process. */
export function createPasswords(): QueuedPasswords {
  const queue = new FairQueue(bounds);
  // Made like every other one, so that checking against nothing takes as long.
  let nobody: Promise<string> | undefined;
  const nobodys = (): Promise<string> => {
    nobody ??= hash("nobody has this password", cost);
    return nobody;
  };
  return Object.freeze({
    hash: (password: string) => queue.run(() => hash(password.normalize("NFC"), cost), "new passwords"),
    async verify(phc: string | undefined, password: string, origin?: string) {
      const own = phc !== undefined && form.test(phc);
      const stored = own ? phc : await nobodys();
      const matches = await queue.run(() => verify(stored, password.normalize("NFC")), origin);
      return matches && own;
    },
    isOutdated,
    waiting: () => queue.waiting,
  });
}

/** What can be checked; anything else that is stored for an account is nobody's password. */
const form = /^\$argon2(?:id|i|d)\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}$/;

/** `$argon2id$v=19$m=19456,t=2,p=1$…` */
function isOutdated(phc: string): boolean {
  const [, algorithm, , parameters = ""] = phc.split("$");
  const number = (name: string): number =>
    Number(new RegExp(`(?:^|,)${name}=(\\d+)`).exec(parameters)?.[1] ?? 0);
  return algorithm !== "argon2id" || number("m") < cost.memoryCost || number("t") < cost.timeCost;
}
