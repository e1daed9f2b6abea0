import type { Call } from "../core/call.ts";
import { addressText, networkText, readPeerAddress } from "../keys/ip-address.ts";
import type { ApiKeyUsage, UsageCount } from "./api-key-contracts.ts";
import { periodMs, periodStart } from "./usage-period.ts";

/** Where a call came from, as far as usage is concerned. */
export type UsageOrigin = Pick<Call, "peer" | "header">;

/** How many addresses one flush tells of a key. */
const mostHosts = 64;
const longestAgent = 200;
/** So many calls between two flushes are all asked from where they come, and then one of so many. */
const everyCall = 64;
const oneOf = 16;

/** What one key was used for since the last flush. */
export class UsageCounter {
  #calls = 0;
  #lastUsedMs = 0;
  #hour = 0;
  #allowed = 0;
  #denied = 0;
  #hours: UsageCount[] | undefined;
  /** As the transport told it, the port included: the same text for all calls on a connection. */
  #peer: string | undefined;
  #agent: string | undefined;
  #hosts: Set<string> | undefined;
  #scopes: Set<string> | undefined;

  allow(atMs: number, origin: UsageOrigin | undefined): void {
    this.#enter(atMs);
    this.#calls += 1;
    this.#allowed += 1;
    if (atMs > this.#lastUsedMs) this.#lastUsedMs = atMs;
    if (origin !== undefined && this.#isLookedAt() && origin.peer.address !== this.#peer) this.#meet(origin);
  }

  deny(atMs: number): void {
    this.#enter(atMs);
    this.#denied += 1;
  }

  note(scope: string): void {
    this.#scopes ??= new Set();
    this.#scopes.add(scope);
  }

  /** Takes over what an earlier one counted and could not be written. */
  addEarlier(earlier: UsageCounter): void {
    if (this.#lastUsedMs < earlier.#lastUsedMs) {
      this.#lastUsedMs = earlier.#lastUsedMs;
      this.#peer = earlier.#peer;
      this.#agent = earlier.#agent;
    }
    this.#calls += earlier.#calls;
    this.#hours = [...(this.#hours ?? []), ...earlier.#allHours()];
    for (const host of earlier.#hosts ?? []) this.#addHost(host);
    for (const scope of earlier.#scopes ?? []) this.note(scope);
  }

  usageOf(id: string): ApiKeyUsage {
    const last = this.#peer === undefined ? undefined : readPeerAddress(this.#peer);
    const networks = [...(this.#hosts ?? [])].flatMap((host) => {
      const address = readPeerAddress(host);
      return address === undefined ? [] : [networkText(address)];
    });
    return {
      id,
      calls: this.#calls,
      lastUsedAt: this.#calls === 0 ? undefined : new Date(this.#lastUsedMs),
      lastUsedAddress: last && addressText(last),
      lastUsedAgent: this.#agent,
      hours: this.#allHours(),
      networks: [...new Set(networks)],
      scopes: [...(this.#scopes ?? [])],
    };
  }

  #enter(atMs: number): void {
    if (atMs >= this.#hour && atMs - this.#hour < periodMs.hour) return;
    this.#hours = this.#hour === 0 ? undefined : this.#allHours();
    this.#hour = periodStart("hour", atMs);
    this.#allowed = 0;
    this.#denied = 0;
  }

  #allHours(): UsageCount[] {
    const current = { startsAt: new Date(this.#hour), allowed: this.#allowed, denied: this.#denied };
    return [...(this.#hours ?? []), ...(this.#allowed + this.#denied === 0 ? [] : [current])];
  }

  /** Asking a transport for its peer costs as much as the rest: of a key that calls often, not every call is asked. */
  #isLookedAt(): boolean {
    return this.#calls <= everyCall || this.#calls % oneOf === 0;
  }

  /** Another connection than the one before. */
  #meet(origin: UsageOrigin): void {
    const { address } = origin.peer;
    this.#peer = address;
    this.#agent = printable(origin.header("user-agent")[0] ?? "");
    if (address !== undefined) this.#addHost(address.slice(0, address.lastIndexOf(":")));
  }

  #addHost(host: string): void {
    this.#hosts ??= new Set();
    if (this.#hosts.size < mostHosts) this.#hosts.add(host);
  }
}

/** A header's text as it can be kept and shown. */
function printable(text: string): string {
  return text.slice(0, longestAgent).replace(/[^\x20-\x7e]/g, "?");
}
