import { Buffer, isUtf8 } from "node:buffer";

/** The members of a JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Deeper nesting is refused, so that no token can exhaust the stack. */
const maxDepth = 32;

/** Member names that are remembered, and the longest of them. */
const maxNames = 64;
const maxName = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** So many digits are less than 2 to the 53rd, whatever they are. */
const exactDigits = 15;

/** From this length on, V8 makes a slice that keeps the whole text alive. */
const sliceLength = 13;

/**
 * Plain objects; but those of a constructor get room for the members that they turn out to have, and a literal without
 * members grows outside of itself.
 */
const Members = function Members() {} as unknown as new () => Record<string, unknown>;
Members.prototype = Object.prototype;

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Reads JSON objects strictly (RFC 8259), one after the other. It refuses invalid UTF-8, a byte order mark, another kind
 * of value, a member named `__proto__`, nesting beyond 32 levels, and duplicate member names at any depth (RFC 7519
 * section 4 lets a reader refuse them; two readers that pick different ones is how a check is walked around).
 *
 * Our own, because `JSON.parse` hides duplicates, mistakes some member names for others (V8 13.6), and costs more than
 * this with the second look that it needs. An issuer's tokens have the same members in the same order: a name that stands
 * where it stood in the object before is compared in place and not read.
 */
export class JsonReader {
  readonly #names: string[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #text = "";
  #at = 0;
  #member = 0;

  /** Undefined for what is refused. */
  read(bytes: Buffer): JsonObject | undefined {
    // Without an argument it skips the look-up of the encoding.
    const text = bytes.toString();
    // What is no UTF-8 became U+FFFD, which may also have been written.
    if (text.includes("\ufffd") && !isUtf8(bytes)) return undefined;
    this.#bytes = bytes;
    this.#text = text;
    this.#at = 0;
    this.#member = 0;
    if (this.#skipSpace() !== OPEN_BRACE) return undefined;
    const value = this.#object(1);
    return Number.isNaN(this.#skipSpace()) ? value : undefined;
  }

  /** Undefined, which JSON cannot say, is a refusal here and below. */
  #value(depth: number): unknown {
    switch (this.#text.charCodeAt(this.#at)) {
      case QUOTE:
        return this.#string();
      case OPEN_BRACE:
        return depth < maxDepth ? this.#object(depth + 1) : undefined;
      case OPEN_BRACKET:
        return depth < maxDepth ? this.#array(depth + 1) : undefined;
      case 0x74:
        return this.#word("true", true);
      case 0x66:
        return this.#word("false", false);
      case 0x6e:
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject | undefined {
    const object = new Members();
    this.#at++;
    if (this.#skipSpace() === CLOSE_BRACE) {
      this.#at++;
      return object;
    }
    for (let members = 1; ; members++) {
      if (this.#skipSpace() !== QUOTE) return undefined;
      const name = this.#name();
      if (name === undefined || this.#skipSpace() !== COLON) return undefined;
      this.#at++;
      this.#skipSpace();
      const value = this.#value(depth);
      if (value === undefined) return undefined;
      object[name] = value;
      const next = this.#skipSpace();
      this.#at++;
      // Of two members with one name, one is left.
      if (next === CLOSE_BRACE) return Object.keys(object).length === members ? object : undefined;
      if (next !== COMMA) return undefined;
    }
  }

  #array(depth: number): readonly unknown[] | undefined {
    const items: unknown[] = [];
    this.#at++;
    if (this.#skipSpace() === CLOSE_BRACKET) {
      this.#at++;
      return items;
    }
    for (;;) {
      this.#skipSpace();
      const item = this.#value(depth);
      if (item === undefined) return undefined;
      items.push(item);
      const next = this.#skipSpace();
      this.#at++;
      // A copy has no room to grow.
      if (next === CLOSE_BRACKET) return items.slice();
      if (next !== COMMA) return undefined;
    }
  }

  #name(): string | undefined {
    const from = this.#at + 1;
    const expected = this.#names[this.#member];
    if (
      expected !== undefined &&
      this.#text.charCodeAt(from + expected.length) === QUOTE &&
      this.#text.startsWith(expected, from)
    ) {
      this.#member++;
      this.#at = from + expected.length + 1;
      return expected;
    }
    const plain = this.#plainString();
    const name = plain ?? this.#escapedString(from);
    if (name === undefined || name === "__proto__") return undefined;
    // Only a name that is spelled as it is can be compared with a spelling.
    if (plain !== undefined && this.#member < maxNames && plain.length <= maxName) {
      this.#names[this.#member++] = plain;
    }
    return name;
  }

  #string(): string | undefined {
    const from = this.#at + 1;
    return this.#plainString() ?? this.#escapedString(from);
  }

  /** What comes from there on, of which there is no escape before this place. */
  #escapedString(from: number): string | undefined {
    for (let i = this.#at; ; i++) {
      const unit = this.#text.charCodeAt(i);
      if (unit === BACKSLASH) i++;
      else if (unit === QUOTE) {
        this.#at = i + 1;
        return unescaped(this.#text.slice(from - 1, i + 1));
      } else if (!(unit >= 0x20)) return undefined;
    }
  }

  /** A string without escapes. Where it has to stop it stays. */
  #plainString(): string | undefined {
    const text = this.#text;
    const from = this.#at + 1;
    for (let i = from; ; i++) {
      const unit = text.charCodeAt(i);
      if (unit === QUOTE) {
        this.#at = i + 1;
        return i - from < sliceLength ? text.slice(from, i) : this.#copy(from, i);
      }
      // Also NaN, beyond the end.
      if (!(unit >= 0x20) || unit === BACKSLASH) {
        this.#at = i;
        return undefined;
      }
    }
  }

  /** What is remembered of a token must not hold on to all of it. */
  #copy(from: number, to: number): string {
    const bytes = this.#bytes;
    const isAscii = bytes.length === this.#text.length;
    return isAscii ? bytes.toString("latin1", from, to) : Buffer.from(this.#text.slice(from, to)).toString();
  }

  #number(): number | undefined {
    return this.#wholeNumber() ?? this.#anyNumber();
  }

  /** Digits alone, few enough to be exact: what dates and ids are. */
  #wholeNumber(): number | undefined {
    const text = this.#text;
    const from = this.#at;
    let value = 0;
    for (let i = from; i - from < exactDigits; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= DIGIT_0 && unit <= DIGIT_9) {
        value = value * 10 + (unit - DIGIT_0);
        continue;
      }
      const ends = unit === COMMA || unit === CLOSE_BRACE || unit === CLOSE_BRACKET;
      if (!ends || i === from || (text.charCodeAt(from) === DIGIT_0 && i > from + 1)) return undefined;
      this.#at = i;
      return value;
    }
    return undefined;
  }

  #anyNumber(): number | undefined {
    number.lastIndex = this.#at;
    const found = number.exec(this.#text);
    if (found === null) return undefined;
    this.#at = number.lastIndex;
    return Number(found[0]);
  }

  #word<T>(word: string, value: T): T | undefined {
    if (!this.#text.startsWith(word, this.#at)) return undefined;
    this.#at += word.length;
    return value;
  }

  /** Answers with the UTF-16 unit that stands there, NaN at the end. */
  #skipSpace(): number {
    let unit = this.#text.charCodeAt(this.#at);
    while (unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09) {
      unit = this.#text.charCodeAt(++this.#at);
    }
    return unit;
  }
}

function unescaped(literal: string): string | undefined {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
