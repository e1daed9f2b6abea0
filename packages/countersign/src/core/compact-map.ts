/** Parts that grow each on its own, so that no growth takes long: a million entries are 16,000 in each. */
const parts = 64;
const smallest = 8;
/** Of the slots of a part, in sixteenths: fuller ones make long searches. */
const fullest = 12;

/**
 * Numbers by text, for many of them: a million entries take 21 to 43 MB with one number each, 32 to 64 MB with two, none of which
 * the garbage collector looks at. A text is kept as 64 bits of its hash (HalfSipHash-1-3) under a random key: that two of a million
 * are taken for one another happens in one of 10^7 such maps, and nobody can choose them. Whoever uses it must be on the safe side then.
 */
export class CompactMap {
  readonly #width: number;
  readonly #parts: (Part | undefined)[] = new Array<Part | undefined>(parts).fill(undefined);
  readonly #key0: number;
  readonly #key1: number;
  #size = 0;
  /** The hash of the last text. */
  #low = 0;
  #high = 0;

  /** `width`: how many numbers each text has. */
  constructor(width: 1 | 2) {
    this.#width = width;
    [this.#key0 = 0, this.#key1 = 0] = crypto.getRandomValues(new Int32Array(2));
  }

  get size(): number {
    return this.#size;
  }

  /** The first number, or the one of the column; undefined if the text is not known. */
  get(text: string, column = 0): number | undefined {
    if (this.#size === 0) return undefined;
    this.#hash(text);
    const part = this.#parts[this.#high & (parts - 1)];
    if (part === undefined) return undefined;
    const slot = part.find(this.#low, this.#high);
    return part.isEmpty(slot) ? undefined : part.numbers[slot * this.#width + column];
  }

  /** Adds the text, or raises its numbers to these; those that are higher stay. */
  raise(text: string, first: number, second = 0): void {
    this.#hash(text);
    const index = this.#high & (parts - 1);
    const part = this.#roomy(index);
    const slot = part.find(this.#low, this.#high);
    const at = slot * this.#width;
    const known = !part.isEmpty(slot);
    if (!known) {
      part.put(slot, this.#low, this.#high);
      this.#size += 1;
    }
    part.numbers[at] = known ? Math.max(part.numbers[at] ?? first, first) : first;
    if (this.#width === 2)
      part.numbers[at + 1] = known ? Math.max(part.numbers[at + 1] ?? second, second) : second;
  }

  /** Removes every text whose first number is at most this. */
  deleteUpTo(limit: number): void {
    for (const [index, part] of this.#parts.entries()) {
      if (part === undefined) continue;
      this.#size -= part.deleteUpTo(limit);
      if (part.size === 0) this.#parts[index] = undefined;
      else if (part.size < part.slots / 8) this.#parts[index] = part.copy(slotsFor(part.size));
    }
  }

  /** The part, with room for one more. */
  #roomy(index: number): Part {
    const part = this.#parts[index];
    if (part !== undefined && part.size + 1 <= (part.slots * fullest) / 16) return part;
    const larger = part === undefined ? new Part(smallest, this.#width) : part.copy(part.slots * 2);
    this.#parts[index] = larger;
    return larger;
  }

  /** HalfSipHash-1-3 with 64 bits of result, over two UTF-16 units at a time and then the length. */
  #hash(text: string): void {
    let v0 = this.#key0;
    let v1 = this.#key1 ^ 0xee;
    let v2 = 0x6c796765 ^ this.#key0;
    let v3 = 0x74656462 ^ this.#key1;
    const { length } = text;
    for (let index = 0; index <= length; index += 2) {
      // Beyond the end, `charCodeAt` is NaN, which is 0 in these operations.
      const word =
        index + 2 > length
          ? (text.charCodeAt(index) & 0xffff) | (length << 16)
          : text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16);
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    v2 ^= 0xee;
    for (let round = 0; round < 6; round += 1) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      if (round === 2) {
        this.#low = v1 ^ v3;
        v1 ^= 0xdd;
      }
    }
    // Two zeros are an empty slot.
    this.#high = v1 ^ v3 || 1;
  }
}

function slotsFor(size: number): number {
  let slots = smallest;
  while (size > (slots * fullest) / 16) slots *= 2;
  return slots;
}

/** A hash table by open addressing, always with an empty slot. */
class Part {
  readonly slots: number;
  readonly numbers: Float64Array;
  readonly #width: number;
  readonly #marks: Int32Array;
  size = 0;

  /** `slots` is a power of two. */
  constructor(slots: number, width: number) {
    this.slots = slots;
    this.#width = width;
    this.#marks = new Int32Array(slots * 2);
    this.numbers = new Float64Array(slots * width);
  }

  /** Where the mark is, or else the empty slot where it would be. */
  find(low: number, high: number): number {
    const marks = this.#marks;
    const mask = this.slots - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const other = marks[slot * 2 + 1];
      if (other === 0 || (other === high && marks[slot * 2] === low)) return slot;
    }
  }

  isEmpty(slot: number): boolean {
    return this.#marks[slot * 2 + 1] === 0;
  }

  put(slot: number, low: number, high: number): void {
    this.#marks[slot * 2] = low;
    this.#marks[slot * 2 + 1] = high;
    this.size += 1;
  }

  /** Returns how many were removed. */
  deleteUpTo(limit: number): number {
    const { slots, numbers } = this;
    const before = this.size;
    for (let slot = 0; slot < slots; slot += 1) {
      // Another one may have moved here.
      while (!this.isEmpty(slot) && (numbers[slot * this.#width] ?? 0) <= limit) this.#remove(slot);
    }
    return before - this.size;
  }

  copy(slots: number): Part {
    const other = new Part(slots, this.#width);
    for (let slot = 0; slot < this.slots; slot += 1) {
      if (this.isEmpty(slot)) continue;
      const low = this.#marks[slot * 2] ?? 0;
      const high = this.#marks[slot * 2 + 1] ?? 0;
      const target = other.find(low, high);
      other.put(target, low, high);
      for (let column = 0; column < this.#width; column += 1)
        other.numbers[target * this.#width + column] = this.numbers[slot * this.#width + column] ?? 0;
    }
    return other;
  }

  /** Closes the gap with those behind it that would be found no more (Knuth, 6.4, algorithm R). */
  #remove(slot: number): void {
    const marks = this.#marks;
    const mask = this.slots - 1;
    let gap = slot;
    for (let next = (gap + 1) & mask; !this.isEmpty(next); next = (next + 1) & mask) {
      const home = (marks[next * 2] ?? 0) & mask;
      // Between the gap and where it is, it stays.
      if (((next - home) & mask) < ((next - gap) & mask)) continue;
      marks[gap * 2] = marks[next * 2] ?? 0;
      marks[gap * 2 + 1] = marks[next * 2 + 1] ?? 0;
      for (let column = 0; column < this.#width; column += 1)
        this.numbers[gap * this.#width + column] = this.numbers[next * this.#width + column] ?? 0;
      gap = next;
    }
    marks[gap * 2 + 1] = 0;
    this.size -= 1;
  }
}
