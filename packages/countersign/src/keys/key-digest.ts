import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";

/** A server-side secret that is mixed into every stored digest, so that a stolen table alone is of no use. */
export interface Pepper {
  /** Stored beside each digest that was made with it: 1 to 32 letters, digits, `-` or `_`. */
  readonly id: string;
  /** At least 32 bytes. */
  readonly secret: Uint8Array;
}

export interface KeyDigests {
  /** The digest to store for a new key, under the first pepper. */
  digest(body: string): { readonly digest: Uint8Array; readonly pepperId: string };
  /** The digests of a text under every pepper, the current one first: for finding what is stored by its digest. */
  digests(body: string): readonly { readonly digest: Uint8Array; readonly pepperId: string }[];
  /**
   * Does the stored digest belong to this key? In constant time. Without a record the same work is done for nothing,
   * so that an unknown id takes as long as a wrong secret.
   */
  matches(
    body: string,
    stored: { readonly digest: Uint8Array; readonly pepperId: string } | undefined,
  ): boolean;
}

const nothing = Buffer.alloc(32);

/** Digests under a list of peppers: the first makes new ones, all of them recognise old ones. */
export function createKeyDigests(peppers: readonly [Pepper, ...Pepper[]]): KeyDigests {
  const keys = new Map<string, KeyObject>();
  for (const { id, secret } of peppers) {
    if (!/^[\w-]{1,32}$/.test(id)) throw new TypeError("a pepper's id is 1 to 32 letters, digits, - or _");
    if (keys.has(id)) throw new TypeError(`two peppers with the id "${id}"`);
    if (!(secret instanceof Uint8Array) || secret.length < 32) {
      throw new TypeError(`the pepper "${id}" is shorter than 32 bytes`);
    }
    keys.set(id, createSecretKey(secret));
  }
  const [current] = peppers;
  if (current === undefined) throw new TypeError("createKeyDigests() needs a pepper");

  const hmac = (body: string, pepperId: string): Buffer => {
    const key = keys.get(pepperId);
    // Not "no match": the key may be a good one, and only this server cannot tell.
    if (key === undefined) throw new Error(`no pepper with the id "${pepperId}" is configured`);
    return createHmac("sha256", key).update(body).digest();
  };

  return Object.freeze({
    digest: (body: string) => ({ digest: new Uint8Array(hmac(body, current.id)), pepperId: current.id }),
    digests: (body: string) =>
      [...keys.keys()].map((pepperId) => ({ digest: new Uint8Array(hmac(body, pepperId)), pepperId })),
    matches(
      body: string,
      stored: { readonly digest: Uint8Array; readonly pepperId: string } | undefined,
    ): boolean {
      const computed = hmac(body, stored?.pepperId ?? current.id);
      const expected = stored?.digest.length === computed.length ? stored.digest : nothing;
      return timingSafeEqual(computed, expected) && expected !== nothing;
    },
  });
}
