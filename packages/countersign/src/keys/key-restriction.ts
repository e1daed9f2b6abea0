import type { Call } from "../core/call.ts";
import { type IpRange, isWithin, readPeerAddress, readRange } from "./ip-address.ts";

/** From where, and for what, a key may be used. An empty list allows all. */
export interface KeyRestrictions {
  /** `10.0.0.0/8`, `2001:db8::/32`, or a single address. */
  readonly addressRanges: readonly string[];
  /** `/package.Service/Method`, `/package.Service/*`, or `GET /path` for plain HTTP. */
  readonly methods: readonly string[];
}

/** The restrictions of one key, compiled. */
export interface KeyRestriction {
  /** Why the call is not one of those that the key is for: a constant text for logs. Undefined if it is one. */
  problemOf(call: Pick<Call, "procedure">, address: string | undefined): string | undefined;
}

/** How many connections a key's answers are remembered for. */
const rememberedPeers = 256;

/** Undefined for a key without restrictions, which costs nothing then. What cannot be read allows nothing. */
export function compileRestriction({ addressRanges, methods }: KeyRestrictions): KeyRestriction | undefined {
  if (addressRanges.length === 0 && methods.length === 0) return undefined;
  return new CompiledRestriction(addressRanges, methods);
}

class CompiledRestriction implements KeyRestriction {
  readonly #ranges: readonly IpRange[] | undefined;
  readonly #methods: ReadonlySet<string> | undefined;
  readonly #services: ReadonlySet<string>;
  /** By what the transport says, the port included: one connection asks with the same text again and again. */
  #peers = new Map<string, boolean>();

  constructor(addressRanges: readonly string[], methods: readonly string[]) {
    this.#ranges =
      addressRanges.length === 0 ? undefined : addressRanges.flatMap((text) => readRange(text) ?? []);
    this.#methods = methods.length === 0 ? undefined : new Set(methods);
    this.#services = new Set(methods.flatMap((text) => (text.endsWith("/*") ? [text.slice(0, -2)] : [])));
  }

  problemOf({ procedure }: Pick<Call, "procedure">, address: string | undefined): string | undefined {
    if (this.#ranges !== undefined && !this.#isFrom(address, this.#ranges))
      return "the key is limited to other addresses";
    if (this.#methods !== undefined && !this.#isFor(procedure, this.#methods))
      return "the key is limited to other methods";
    return undefined;
  }

  #isFrom(address: string | undefined, ranges: readonly IpRange[]): boolean {
    // Nobody knows where it comes from: then it does not come from there.
    if (address === undefined) return false;
    const known = this.#peers.get(address);
    if (known !== undefined) return known;
    const peer = readPeerAddress(address);
    const answer = peer !== undefined && ranges.some((range) => isWithin(peer, range));
    if (this.#peers.size >= rememberedPeers) this.#peers = new Map();
    this.#peers.set(address, answer);
    return answer;
  }

  #isFor(procedure: string, methods: ReadonlySet<string>): boolean {
    if (methods.has(procedure)) return true;
    return this.#services.size > 0 && this.#services.has(procedure.slice(0, procedure.lastIndexOf("/")));
  }
}

/** What is wrong with an address range; undefined if nothing is. */
export function addressRangeProblem(text: string): string | undefined {
  return readRange(text) === undefined
    ? "an address, or a range such as 10.0.0.0/8 or 2001:db8::/32 with nothing behind its length"
    : undefined;
}

/** A method as it is stored: with its slash in front. Undefined if it is none. */
export function normalMethod(text: string): string | undefined {
  if (/^[A-Z]{3,10} \/[\x21-\x7e]{0,200}$/.test(text)) return text;
  const [, path] = /^\/?([\w.]{1,200}\/(?:\w{1,100}|\*))$/.exec(text) ?? [];
  return path === undefined ? undefined : `/${path}`;
}

/** Is everything that the one list allows allowed by the other one? */
export function withinRestrictions(inner: KeyRestrictions, outer: KeyRestrictions): boolean {
  return (
    rangesWithin(inner.addressRanges, outer.addressRanges) && methodsWithin(inner.methods, outer.methods)
  );
}

function rangesWithin(inner: readonly string[], outer: readonly string[]): boolean {
  if (outer.length === 0) return true;
  const ranges = outer.flatMap((text) => readRange(text) ?? []);
  return (
    inner.length > 0 &&
    inner.every((text) => {
      const range = readRange(text);
      return range !== undefined && ranges.some((candidate) => isWithin(range, candidate));
    })
  );
}

function methodsWithin(inner: readonly string[], outer: readonly string[]): boolean {
  if (outer.length === 0) return true;
  const wider = (text: string): string => `${text.slice(0, text.lastIndexOf("/"))}/*`;
  return inner.length > 0 && inner.every((text) => outer.includes(text) || outer.includes(wider(text)));
}
