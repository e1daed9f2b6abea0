import { codeOf, countOf, instantOf, microsecondsOf, normalText } from "../normal-record.ts";
import {
  numbersOfRow,
  type PackedMessage,
  packedNumbers,
  packedTexts,
  textsOfRow,
} from "../packed-requests.ts";
import type { RowSource } from "./block-builder.ts";
import type { NumberMember, TextMember } from "./block-members.ts";

const normalNumbers = Object.freeze({
  at: instantOf,
  durationUs: microsecondsOf,
  code: codeOf,
  received: countOf,
  sent: countOf,
});

/** Rows as they come from another thread, without an object for each. */
export class PackedRows implements RowSource {
  readonly dictionary: readonly string[];
  readonly #message: PackedMessage;
  readonly #idOf: (row: number) => number;
  readonly #ids: Buffer;
  /** Where each request id begins, after its length. */
  readonly #starts: Uint32Array;

  constructor(message: PackedMessage, idOf: (row: number) => number) {
    const { length, ids, dictionary } = message;
    this.dictionary = dictionary;
    this.#message = message;
    this.#idOf = idOf;
    this.#ids = Buffer.from(ids.buffer, ids.byteOffset, ids.length);
    this.#starts = new Uint32Array(length);
    for (let [row, at] = [0, 0]; row < length; row++) {
      this.#starts[row] = at + 1;
      at += 1 + (ids[at] ?? 0);
    }
  }

  numbers(member: NumberMember): Float64Array {
    if (member === "id") return this.#column((row) => this.#idOf(row));
    const { numbers } = this.#message;
    const at = packedNumbers[member];
    const normal = normalNumbers[member];
    return this.#column((row) => normal(numbers[row * numbersOfRow + at] ?? 0));
  }

  places(member: TextMember): Float64Array {
    const { texts } = this.#message;
    const at = packedTexts[member];
    return this.#column((row) => texts[row * textsOfRow + at] ?? 0);
  }

  requestId(row: number): string {
    const start = this.#starts[row] ?? 0;
    const size = this.#ids[start - 1] ?? 0;
    if (size > 0) return normalText("requestId", this.#ids.toString("latin1", start, start + size));
    const place = this.#message.texts[row * textsOfRow + packedTexts.requestId] ?? 0;
    return normalText("requestId", this.dictionary[place] ?? "");
  }

  #column(numberOf: (row: number) => number): Float64Array {
    const column = new Float64Array(this.#message.length);
    for (let row = 0; row < column.length; row++) column[row] = numberOf(row);
    return column;
  }
}
