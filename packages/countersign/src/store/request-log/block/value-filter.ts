import type { RequestRecord } from "../../request-contracts.ts";

/** What a block is asked for: whether a row of it has this member. `error`: a code other than 0. */
export type FilterMember = Exclude<keyof RequestRecord, "at" | "durationMs" | "received" | "sent"> | "error";

/** Of each value, about 12 bits are kept, and 8 of them are set: 3 in 1,000 that are not there look as if they were. */
const bitsOfValue = 12;
const setOfValue = 8;

/** What values the rows of a block have: a Bloom filter. It may say yes to one that none has, and never no to one that is there. */
export class ValueFilter {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** For so many values. */
  static sized(values: number): ValueFilter {
    return new ValueFilter(new Uint8Array(Math.ceil((Math.max(values, 1) * bitsOfValue) / 8)));
  }

  add(member: FilterMember, value: string): void {
    const bits = this.bytes.length * 8;
    let at = hashOf(member, value);
    const step = second(at);
    for (let n = 0; n < setOfValue; n++, at = (at + step) >>> 0) {
      const bit = at % bits;
      this.bytes[bit >>> 3] = (this.bytes[bit >>> 3] ?? 0) | (1 << (bit & 7));
    }
  }

  mayHave(member: FilterMember, value: string): boolean {
    const bits = this.bytes.length * 8;
    let at = hashOf(member, value);
    const step = second(at);
    for (let n = 0; n < setOfValue; n++, at = (at + step) >>> 0) {
      const bit = at % bits;
      if (((this.bytes[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }
}

/** FNV-1a over code units, mixed so that every bit hangs on all of them. It is part of the format. */
function hashOf(member: FilterMember, value: string): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < member.length; n++) hash = Math.imul(hash ^ member.charCodeAt(n), 0x01000193);
  hash = Math.imul(hash ^ 0xffff, 0x01000193);
  for (let n = 0; n < value.length; n++) hash = Math.imul(hash ^ value.charCodeAt(n), 0x01000193);
  return mixed(hash);
}

/** How far each bit is from the one before. Odd, so that they do not come round to the same ones. */
function second(hash: number): number {
  return mixed(hash ^ 0x9e3779b9) | 1;
}

/** The finalizer of MurmurHash3, which is in the public domain. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
