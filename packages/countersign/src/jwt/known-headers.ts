import type { JwsHeader } from "./jws-header.ts";
import type { VerificationKey } from "./key.ts";
import type { KeyRing } from "./key-ring.ts";

/** A protected header with the key that it led to. */
export interface ReadHeader {
  /** Its segment and the dot, as text of its own: a slice of a token would keep the token in memory. */
  readonly prefix: string;
  readonly header: JwsHeader;
  readonly key: VerificationKey;
  /** The ring in which that key was found: another ring, another answer. */
  readonly ring: KeyRing;
}

/** An issuer has one header per key; more than a few means that they vary without need. */
const capacity = 32;

/** Headers of tokens that have verified, so that nobody fills this with headers of their own making. */
export class KnownHeaders {
  readonly #byPrefix = new Map<string, ReadHeader>();
  #latest: ReadHeader | undefined;

  find(token: string, firstDot: number, ring: KeyRing): ReadHeader | undefined {
    let known = this.#latest;
    // Nearly every token has the header of the one before; comparing it in place saves a slice and its hash.
    if (known === undefined || !token.startsWith(known.prefix)) {
      known = this.#byPrefix.get(token.slice(0, firstDot + 1));
    }
    return known?.ring === ring ? known : undefined;
  }

  remember(verified: ReadHeader): void {
    if (verified === this.#latest) return;
    const { prefix } = verified;
    if (this.#byPrefix.size >= capacity && !this.#byPrefix.has(prefix)) this.#byPrefix.clear();
    this.#byPrefix.set(prefix, verified);
    this.#latest = verified;
  }
}
