import { foldedText } from "../matches.ts";
import { decodeNumbers, encodeNumbers } from "./number-column.ts";
import { sections, withSections } from "./sections.ts";

/** Texts one after the other, and how long each is. They are well-formed, so that UTF-8 can say them. */
export function encodeTexts(texts: readonly string[]): Uint8Array {
  const whole = texts.join("");
  const bytes = Buffer.from(whole, "utf8");
  const ascii = whole.length === bytes.length;
  const lengths = Float64Array.from(texts, (text) => (ascii ? text.length : Buffer.byteLength(text)));
  const head = Float64Array.of(texts.length, ascii ? 1 : 0);
  return withSections([encodeNumbers(head), encodeNumbers(lengths), bytes]);
}

/** Texts as they are in a block. None is read that is not asked for. */
export class TextColumn {
  readonly length: number;
  readonly #ascii: boolean;
  readonly #bytes: Buffer;
  /** Where each begins, and where the last one ends. */
  readonly #starts: Uint32Array;

  constructor(encoded: Uint8Array) {
    const [head, lengths, bytes] = sections(encoded, 3) as [Uint8Array, Uint8Array, Uint8Array];
    const [length = 0, ascii] = decodeNumbers(head, 2);
    this.length = length;
    this.#ascii = ascii === 1;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#starts = new Uint32Array(length + 1);
    const each = decodeNumbers(lengths, length);
    for (let n = 0; n < length; n++) this.#starts[n + 1] = (this.#starts[n] ?? 0) + (each[n] ?? 0);
  }

  at(n: number): string {
    return this.#bytes.toString(this.#ascii ? "latin1" : "utf8", this.#starts[n], this.#starts[n + 1]);
  }

  all(): readonly string[] {
    const whole = this.#ascii ? this.#bytes.toString("latin1") : undefined;
    return Array.from(
      { length: this.length },
      (_, n) => whole?.slice(this.#starts[n], this.#starts[n + 1]) ?? this.at(n),
    );
  }

  /** The place of the first that is this text, from one on. -1: none is. */
  indexOf(text: string, from: number): number {
    const wanted = Buffer.from(text, "utf8");
    for (let n = from; n < this.length; ) {
      const at = this.#bytes.indexOf(wanted, this.#starts[n]);
      if (at < 0) return -1;
      // The one in which that ends.
      while ((this.#starts[n + 1] ?? 0) < at + wanted.length) n += 1;
      const start = this.#starts[n] ?? 0;
      if (start === at && this.#starts[n + 1] === at + wanted.length) return n;
      // Where it began in one before, this one may still be it.
      if (start <= at) n += 1;
    }
    return -1;
  }

  /** 1 for each that contains a text that is folded already. */
  containing(wanted: string): Uint8Array {
    const found = new Uint8Array(this.length);
    if (!this.#ascii) return found.map((_, n) => (foldedText(this.at(n)).includes(wanted) ? 1 : 0));
    const texts = this.#bytes.toString("latin1").toLowerCase();
    let n = 0;
    for (let at = texts.indexOf(wanted); at >= 0; ) {
      while ((this.#starts[n + 1] ?? 0) <= at) n += 1;
      const end = this.#starts[n + 1] ?? 0;
      // It may begin in one and end in the next.
      const within = at + wanted.length <= end;
      if (within) found[n] = 1;
      at = texts.indexOf(wanted, within ? end : at + 1);
    }
    return found;
  }
}
