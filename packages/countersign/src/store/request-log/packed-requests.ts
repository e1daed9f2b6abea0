import type { RequestRecord } from "../request-contracts.ts";

/** Members of a row: how many are numbers, and how many are texts. */
export const numbersOfRow = 5;
export const textsOfRow = 12;
/** In which column of a row each number stands, and each text. */
export const packedNumbers = Object.freeze({ at: 0, durationUs: 1, code: 2, received: 3, sent: 4 });
export const packedTexts = Object.freeze({
  requestId: 0,
  procedure: 1,
  protocol: 2,
  reason: 3,
  userId: 4,
  apiKeyId: 5,
  authenticator: 6,
  peer: 7,
  userAgent: 8,
  rule: 9,
  missing: 10,
  tenantId: 11,
});
/** A shorter request id is written out, one after the other; as every other text, a longer one is looked up. */
const longestWrittenId = 255;
/** Of its length, and of the most that UTF-8 makes of it. */
const mostIdBytes = 1 + 3 * longestWrittenId;
const firstRows = 64;
/** Bytes of a request id, as a rule. */
const usualId = 40;

/** Rows on their way from thread to thread. */
export interface PackedMessage {
  readonly length: number;
  readonly numbers: Float64Array;
  /** Places in the dictionary, and 0 for a text that is not there. */
  readonly texts: Uint32Array;
  /** The request ids, each after its length. */
  readonly ids: Uint8Array;
  readonly dictionary: readonly string[];
}

/**
 * Rows as they wait to be written: numbers, and places in a dictionary. An object for each would be carried from generation to
 * generation of the heap until then, and copying it from thread to thread costs several times as much as the row itself. Another
 * thread reads them where they are: nothing may be added before it has, and they can be used again after that.
 */
export class PackedRequests implements Iterable<RequestRecord> {
  #length = 0;
  #numbers = new Float64Array(new SharedArrayBuffer(firstRows * numbersOfRow * 8));
  #texts = new Uint32Array(new SharedArrayBuffer(firstRows * textsOfRow * 4));
  #ids = Buffer.from(new SharedArrayBuffer(firstRows * usualId));
  #idsEnd = 0;
  readonly #dictionary = [""];
  readonly #places = new Map<string, number>();
  /** The text that each column had last, and its place: most calls are of one method, with one kind of credential. */
  readonly #lastTexts: string[] = Array.from({ length: textsOfRow }, () => "");
  readonly #lastPlaces = new Uint32Array(textsOfRow);

  static of(rows: Iterable<RequestRecord>): PackedRequests {
    if (rows instanceof PackedRequests) return rows;
    const packed = new PackedRequests();
    for (const row of rows) packed.add(row);
    return packed;
  }

  get length(): number {
    return this.#length;
  }

  add(row: RequestRecord): void {
    if ((this.#length + 1) * textsOfRow > this.#texts.length) this.#grow();
    const numbers = this.#numbers;
    let at = this.#length * numbersOfRow;
    numbers[at++] = row.at;
    numbers[at++] = row.durationMs;
    numbers[at++] = row.code;
    numbers[at++] = row.received;
    numbers[at++] = row.sent;
    const texts = this.#texts;
    at = this.#length * textsOfRow;
    texts[at++] = this.#writeId(row.requestId) ? 0 : this.#place(row.requestId, 0);
    texts[at++] = this.#place(row.procedure, 1);
    texts[at++] = this.#place(row.protocol, 2);
    texts[at++] = this.#place(row.reason, 3);
    texts[at++] = this.#place(row.userId, 4);
    texts[at++] = this.#place(row.apiKeyId, 5);
    texts[at++] = this.#place(row.authenticator, 6);
    texts[at++] = this.#place(row.peer, 7);
    texts[at++] = this.#place(row.userAgent, 8);
    texts[at++] = this.#place(row.rule, 9);
    texts[at++] = this.#place(row.missing, 10);
    texts[at++] = this.#place(row.tenantId, 11);
    this.#length += 1;
  }

  /** Forgets all of them, and keeps their room for others. */
  clear(): void {
    this.#length = 0;
    this.#idsEnd = 0;
    this.#dictionary.length = 1;
    this.#places.clear();
    this.#lastPlaces.fill(0);
  }

  [Symbol.iterator](): Iterator<RequestRecord> {
    return unpacked(this.message());
  }

  message(): PackedMessage {
    return {
      length: this.#length,
      numbers: this.#numbers.subarray(0, this.#length * numbersOfRow),
      texts: this.#texts.subarray(0, this.#length * textsOfRow),
      ids: new Uint8Array(this.#ids.buffer, 0, this.#idsEnd),
      dictionary: this.#dictionary,
    };
  }

  #place(text: string | undefined, column: number): number {
    if (text === undefined) return 0;
    const last = this.#lastPlaces[column] ?? 0;
    if (last > 0 && this.#lastTexts[column] === text) return last;
    const place = this.#places.get(text) ?? this.#learn(text);
    this.#lastTexts[column] = text;
    this.#lastPlaces[column] = place;
    return place;
  }

  #learn(text: string): number {
    const place = this.#dictionary.push(text) - 1;
    this.#places.set(text, place);
    return place;
  }

  /** False, with a length of 0 alone, for one that is long, empty or more than ASCII. */
  #writeId(id: string): boolean {
    if (this.#idsEnd + mostIdBytes >= this.#ids.length) this.#ids = Buffer.from(longer(this.#ids.buffer));
    const start = this.#idsEnd + 1;
    // Of ASCII alone, each character is one byte of UTF-8.
    const size = id.length > longestWrittenId ? 0 : this.#ids.write(id, start);
    const written = size === id.length ? size : 0;
    this.#ids[this.#idsEnd] = written;
    this.#idsEnd = start + written;
    return written > 0;
  }

  #grow(): void {
    this.#numbers = new Float64Array(longer(this.#numbers.buffer));
    this.#texts = new Uint32Array(longer(this.#texts.buffer));
  }
}

/** The rows of a message, one after the other. */
export function* unpacked({
  length,
  numbers,
  texts,
  ids,
  dictionary,
}: PackedMessage): Generator<RequestRecord> {
  const written = Buffer.from(ids.buffer, ids.byteOffset, ids.length);
  const text = (at: number): string | undefined => {
    const place = texts[at] ?? 0;
    return place === 0 ? undefined : dictionary[place];
  };
  let [number, at, id] = [0, 0, 0];
  for (let row = 0; row < length; row++, number += numbersOfRow, at += textsOfRow) {
    const size = written[id] ?? 0;
    yield {
      requestId: size === 0 ? (text(at) ?? "") : written.toString("latin1", id + 1, id + 1 + size),
      at: numbers[number] ?? 0,
      durationMs: numbers[number + 1] ?? 0,
      procedure: text(at + 1) ?? "",
      protocol: text(at + 2) ?? "",
      code: numbers[number + 2] ?? 0,
      reason: text(at + 3),
      userId: text(at + 4),
      apiKeyId: text(at + 5),
      authenticator: text(at + 6),
      peer: text(at + 7),
      userAgent: text(at + 8),
      received: numbers[number + 3] ?? 0,
      sent: numbers[number + 4] ?? 0,
      rule: text(at + 9),
      missing: text(at + 10),
      tenantId: text(at + 11),
    };
    id += 1 + size;
  }
}

function longer(bytes: SharedArrayBuffer): SharedArrayBuffer {
  const larger = new SharedArrayBuffer(bytes.byteLength * 2);
  new Uint8Array(larger).set(new Uint8Array(bytes));
  return larger;
}
