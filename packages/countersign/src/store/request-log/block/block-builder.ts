import { normalText } from "../normal-record.ts";
import {
  type NumberMember,
  numberMembers,
  soughtMembers,
  type TextMember,
  textMembers,
} from "./block-members.ts";
import { encodeNumbers } from "./number-column.ts";
import { withSections } from "./sections.ts";
import { encodeTexts } from "./text-column.ts";
import { ValueFilter } from "./value-filter.ts";

/** From where rows are taken. */
export interface RowSource {
  readonly dictionary: readonly string[];
  numbers(member: NumberMember): Float64Array;
  /** Of texts in the dictionary. 0: there is none. */
  places(member: TextMember): Float64Array;
  /** As it is kept. */
  requestId(row: number): string;
}

/** A block as it is kept. */
export interface EncodedBlock {
  readonly rows: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly earliest: number;
  readonly latest: number;
  readonly data: Uint8Array;
}

/** Texts of a source, by their places in its dictionary. */
interface Texts {
  readonly dictionary: readonly string[];
  readonly places: Float64Array;
}

/** Puts rows together, in the order of their ids. */
export class BlockBuilder {
  readonly #numbers: Readonly<Record<NumberMember, Float64Array>>;
  readonly #places: Readonly<Record<TextMember, Float64Array>>;
  readonly #requestIds: string[] = [];
  readonly #dictionary = [""];
  readonly #known = new Map<string, number>();

  /** @param capacity How many rows there can be. */
  constructor(capacity: number) {
    this.#numbers = columns(numberMembers, capacity);
    this.#places = columns(textMembers, capacity);
  }

  get length(): number {
    return this.#requestIds.length;
  }

  /** Adds rows of a source, from one on, up to another. Their ids come after those that are there. */
  take(source: RowSource, from: number, to: number): void {
    const start = this.length;
    if (from === to) return;
    for (let row = from; row < to; row++) this.#requestIds.push(source.requestId(row));
    for (const member of numberMembers)
      this.#numbers[member].set(source.numbers(member).subarray(from, to), start);
    for (const member of textMembers) {
      const places = source.places(member).subarray(from, to);
      this.#takeTexts(member, { dictionary: source.dictionary, places }, start);
    }
    // Who looks for a reason looks among the errors.
    const [{ code }, { reason }] = [this.#numbers, this.#places];
    for (let row = start; row < this.length; row++) if (code[row] === 0) reason[row] = 0;
  }

  /** Of one row at least. */
  encoded(): EncodedBlock {
    const rows = this.length;
    const numbers = (member: NumberMember): Float64Array => this.#numbers[member].subarray(0, rows);
    const [ids, at] = [numbers("id"), numbers("at")];
    // One id comes after the other, as a rule: what is left then takes no place.
    const steps = ids.map((id, row) => id - row);
    const data = withSections([
      encodeNumbers(Float64Array.of(rows)),
      ...numberMembers.map((member) => encodeNumbers(member === "id" ? steps : numbers(member))),
      ...textMembers.map((member) => encodeNumbers(this.#places[member].subarray(0, rows))),
      encodeTexts(this.#dictionary),
      encodeTexts(this.#requestIds),
    ]);
    return {
      rows,
      firstId: ids[0] ?? 0,
      lastId: ids.at(-1) ?? 0,
      earliest: at.reduce((least, one) => Math.min(least, one)),
      latest: at.reduce((most, one) => Math.max(most, one)),
      data,
    };
  }

  /** What its rows have. */
  filter(): ValueFilter {
    const used = soughtMembers.map((member) => [member, this.#used(member)] as const);
    const codes = new Set(this.#numbers.code.subarray(0, this.length));
    const values = used.reduce((sum, [, texts]) => sum + texts.length, codes.size + 1 + this.length);
    const filter = ValueFilter.sized(values);
    for (const [member, texts] of used) for (const text of texts) filter.add(member, text);
    for (const code of codes) filter.add("code", String(code));
    if ([...codes].some((code) => code !== 0)) filter.add("error", "");
    for (const id of this.#requestIds) filter.add("requestId", id);
    return filter;
  }

  #takeTexts(member: TextMember, { dictionary, places }: Texts, start: number): void {
    const column = this.#places[member];
    // The place here of each place there. 0: not known yet.
    const known = new Uint32Array(dictionary.length);
    for (let row = 0; row < places.length; row++) {
      const there = places[row] ?? 0;
      if (there === 0) continue;
      let here = known[there] ?? 0;
      if (here === 0) {
        here = this.#placeOf(normalText(member, dictionary[there] ?? ""));
        known[there] = here;
      }
      column[start + row] = here;
    }
  }

  #placeOf(text: string): number {
    let place = this.#known.get(text);
    if (place === undefined) {
      place = this.#dictionary.push(text) - 1;
      this.#known.set(text, place);
    }
    return place;
  }

  #used(member: TextMember): readonly string[] {
    const seen = new Uint8Array(this.#dictionary.length);
    for (const place of this.#places[member].subarray(0, this.length)) seen[place] = 1;
    return this.#dictionary.filter((_, place) => place > 0 && seen[place] === 1);
  }
}

function columns<T extends string>(
  members: readonly T[],
  capacity: number,
): Readonly<Record<T, Float64Array>> {
  return Object.fromEntries(members.map((member) => [member, new Float64Array(capacity)])) as Record<
    T,
    Float64Array
  >;
}
