import { DatedMap } from "./dated-map.ts";

/** Stands for all users in an entry "issued-before", those that are not there any more included. */
export const everyone = "*";

/** An instant before which what was issued is refused. */
export interface Cut {
  readonly userId: string;
  readonly before: number;
  readonly expiresAt: number;
}

/** The cuts of each user, and of everyone. */
export class Cuts {
  /** When each expires, and its instant. */
  readonly #users = new DatedMap(2);
  #everyone: Omit<Cut, "userId"> = nothing;

  add({ userId, expiresAt, before }: Cut, version: number): void {
    if (userId !== everyone) {
      this.#users.raise(userId, version, expiresAt, before);
      return;
    }
    this.#everyone = {
      before: Math.max(this.#everyone.before, before),
      expiresAt: Math.max(this.#everyone.expiresAt, expiresAt),
    };
  }

  /** `good`: see `DatedMap`. */
  cuts(userId: string | undefined, issuedAt: number, good: number): boolean {
    if (issuedAt < this.#everyone.before) return true;
    return userId !== undefined && issuedAt < (this.#users.get(userId, good, 1) ?? issuedAt);
  }

  deleteUpTo(limit: number): void {
    this.#users.deleteUpTo(limit);
    if (this.#everyone.expiresAt <= limit) this.#everyone = nothing;
  }
}

const nothing = { before: Number.NEGATIVE_INFINITY, expiresAt: Number.NEGATIVE_INFINITY };
