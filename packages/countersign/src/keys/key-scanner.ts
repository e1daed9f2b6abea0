import { type ApiKeyFormat, apiKeyPrefix, parseApiKey } from "./key-format.ts";

/** A key of ours that was found where it should not be. */
export interface FoundKey {
  /** The key itself: not to be shown. */
  readonly key: string;
  readonly id: string;
  readonly environment: string;
  /** Of its first byte, from 0. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
}

/** Looks through bytes, a piece at a time. */
export interface KeyScanner {
  /** The keys that end in this piece, or ended in one before and could not be told from more until now. */
  push(piece: Uint8Array): readonly FoundKey[];
  /** What the last piece may have held. Nothing may be pushed after it. */
  end(): readonly FoundKey[];
}

/** No key is longer, and parseApiKey() reads none. */
const longestKey = 128;
const tailLength = 17 + 1 + 43 + 6;

/** One byte for each character, as in ASCII and UTF-8, or two, as Windows writes files. */
const encodings = [
  { name: "latin1", width: 1 },
  { name: "utf16le", width: 2 },
] as const;

/**
 * Finds keys by their form and their checksum, whatever stands around them, in text of ASCII, UTF-8 or UTF-16 and in binary
 * data. Random text that looks like one passes the checksum once in fifty thousand million times.
 */
export function createKeyScanner(format: ApiKeyFormat = {}): KeyScanner {
  return new StreamScanner(format);
}

class StreamScanner implements KeyScanner {
  readonly #format: ApiKeyFormat;
  readonly #needles: readonly Buffer[];
  /** The end of what was pushed: a key may have begun in it. */
  #rest: Buffer = Buffer.alloc(0);
  /** Of the first byte of `#rest`. */
  #offset = 0;
  #line = 1;

  constructor(format: ApiKeyFormat) {
    this.#format = format;
    const prefix = apiKeyPrefix(format);
    this.#needles = encodings.map(({ name }) => Buffer.from(prefix, name));
  }

  push(piece: Uint8Array): readonly FoundKey[] {
    const bytes = Buffer.concat([this.#rest, piece]);
    // A key that begins behind this may go on in the next piece.
    const until = Math.max(0, bytes.length - longestKey * 2);
    const found = this.#search(bytes, until);
    this.#line += linesIn(bytes, 0, until);
    this.#offset += until;
    this.#rest = Buffer.from(bytes.subarray(until));
    return found;
  }

  end(): readonly FoundKey[] {
    const found = this.#search(this.#rest, this.#rest.length);
    this.#rest = Buffer.alloc(0);
    return found;
  }

  #search(bytes: Buffer, until: number): readonly FoundKey[] {
    const found = encodings.flatMap((encoding, index) => {
      const needle = this.#needles[index] ?? Buffer.alloc(0);
      const keys: FoundKey[] = [];
      for (let at = bytes.indexOf(needle); at !== -1 && at < until; at = bytes.indexOf(needle, at + 1)) {
        const text = bytes.toString(encoding.name, at, at + longestKey * encoding.width);
        const key = this.#keyAt(text);
        if (key !== undefined)
          keys.push({ ...key, offset: this.#offset + at, line: this.#line + linesIn(bytes, 0, at) });
      }
      return keys;
    });
    return found.sort((a, b) => a.offset - b.offset);
  }

  /** The key that the text begins with. */
  #keyAt(text: string): Pick<FoundKey, "key" | "id" | "environment"> | undefined {
    const environmentEnds = text.indexOf("_", apiKeyPrefix(this.#format).length);
    if (environmentEnds === -1) return undefined;
    const key = text.slice(0, environmentEnds + 1 + tailLength);
    const parsed = parseApiKey(key, this.#format);
    return parsed && { key, id: parsed.id, environment: parsed.environment };
  }
}

const lineFeed = 10;

function linesIn(bytes: Buffer, from: number, until: number): number {
  let lines = 0;
  for (let at = bytes.indexOf(lineFeed, from); at !== -1 && at < until; at = bytes.indexOf(lineFeed, at + 1))
    lines += 1;
  return lines;
}
