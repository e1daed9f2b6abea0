/** Wire types of Protobuf (https://protobuf.dev/programming-guides/encoding): numbers, and what has a length. */
const varint = 0;
const lengthDelimited = 2;

/** Up to here, characters one by one are quicker than a call of Node's. */
const shortText = 64;

/** Writes Protobuf from the end to the beginning: the length of a message is known when it has to be written. */
export class BackwardBytes {
  #buffer = Buffer.allocUnsafe(2048);
  #at = this.#buffer.length;

  /** Bytes so far. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(this.#at);
  }

  /** Fields that were written elsewhere. */
  written(fields: Buffer): void {
    this.#make(fields.length);
    this.#at -= fields.length;
    fields.copy(this.#buffer, this.#at);
  }

  /** A number from 0 to 2^31 - 1. 0 is what a field is without being there. */
  integer(field: number, value: number): void {
    if (value === 0) return;
    this.#varint(value);
    this.#varint((field << 3) | varint);
  }

  /** A text. An empty one is what a field is without being there. */
  text(field: number, value: string): void {
    if (value !== "") this.element(field, value);
  }

  /** A text that is there also when it is empty. */
  element(field: number, value: string): void {
    const before = this.length;
    if (value.length > shortText || !this.#ascii(value)) {
      const length = Buffer.byteLength(value);
      this.#make(length);
      this.#at -= length;
      this.#buffer.write(value, this.#at, length, "utf8");
    }
    this.#close(field, this.length - before);
  }

  /** False, with nothing written, for a text that is more than ASCII. */
  #ascii(value: string): boolean {
    this.#make(value.length);
    const start = this.#at - value.length;
    for (let at = 0; at < value.length; at++) {
      const unit = value.charCodeAt(at);
      if (unit > 0x7f) return false;
      this.#buffer[start + at] = unit;
    }
    this.#at = start;
    return true;
  }

  /** Makes a message of all that was written since there were so many bytes. */
  message(field: number, since: number): void {
    this.#close(field, this.length - since);
  }

  #close(field: number, length: number): void {
    this.#varint(length);
    this.#varint((field << 3) | lengthDelimited);
  }

  #varint(value: number): void {
    this.#make(5);
    let size = 1;
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) size += 1;
    this.#at -= size;
    let left = value;
    for (let at = 0; at < size; at++, left >>>= 7)
      this.#buffer[this.#at + at] = at === size - 1 ? left : (left & 0x7f) | 0x80;
  }

  #make(room: number): void {
    if (room <= this.#at) return;
    const { length } = this;
    const larger = Buffer.allocUnsafe(2 * this.#buffer.length + room);
    this.#buffer.copy(larger, larger.length - length, this.#at);
    this.#buffer = larger;
    this.#at = larger.length - length;
  }
}
