import { nearest } from "./nearest.ts";
import {
  type FlagName,
  flagNames,
  memberNames,
  type NameKind,
  nameKinds,
  type PolicyRule,
  type Term,
  type Word,
  words,
} from "./rule.ts";

/** How deep terms may stand in one another, and how many members a rule may have. */
const limits = { depth: 8, members: 100 } as const;

/**
 * Reads a rule as it is written: a word (`open`, `optional`, `authenticated`, `staff`, `superuser`, `mfa`), or an object of
 * members that must all hold. Throws a `TypeError` that begins with `where` and names the member.
 */
export function readRule(data: unknown, where: string): PolicyRule {
  return new RuleReader(where).rule(data);
}

class RuleReader {
  readonly #where: string;
  #count = 0;

  constructor(where: string) {
    this.#where = where;
  }

  rule(data: unknown): PolicyRule {
    const members = this.#shape(data, "");
    const word = words.find((name) => Object.hasOwn(members, name));
    if (word === undefined) return this.#conjunction(members, "", 0);
    this.#true(members[word], word);
    const other = Object.keys(members).find((name) => name !== word);
    if (other !== undefined) this.#fail(other, `"${word}" stands alone`);
    return { kind: word };
  }

  #term(data: unknown, path: string, depth: number): Term {
    if (depth > limits.depth) this.#fail(path, `terms stand at most ${limits.depth} deep in one another`);
    const members = this.#shape(data, path);
    const word = words.find((name) => Object.hasOwn(members, name));
    if (word !== undefined) this.#fail(join(path, word), "is a whole rule, and no part of one");
    return this.#conjunction(members, path, depth);
  }

  /** What stands side by side must all hold. */
  #conjunction(members: Members, path: string, depth: number): Term {
    const { message: given, ...rest } = members;
    const message = given === undefined ? undefined : this.#message(given, join(path, "message"));
    const terms = Object.entries(rest).map(([name, value]) =>
      this.#member(name, value, join(path, name), depth),
    );
    const [first, ...others] = terms;
    if (first === undefined) return this.#fail(path, "is empty: say what a call needs");
    return others.length === 0 && message === undefined
      ? first
      : { kind: "all_of", terms: [first, ...others], message };
  }

  #member(name: string, value: unknown, path: string, depth: number): Term {
    if (isOneOf(flagNames, name)) {
      this.#true(value, path);
      return { kind: name };
    }
    if (isOneOf(nameKinds, name)) return { kind: name, name: this.#name(value, path) };
    switch (name) {
      case "max_auth_age":
        return { kind: name, seconds: this.#seconds(value, path) };
      case "condition":
        if (typeof value !== "string" || value.trim() === "") return this.#fail(path, "is a text in CEL");
        return { kind: name, source: value };
      case "not":
        return { kind: name, term: this.#term(value, path, depth + 1) };
      default:
        return { kind: name as "any_of" | "all_of", terms: this.#terms(value, path, depth) };
    }
  }

  #terms(value: unknown, path: string, depth: number): readonly [Term, ...Term[]] {
    if (!Array.isArray(value)) return this.#fail(path, "is a list of rules");
    const [first, ...rest] = value.map((item, index) => this.#term(item, `${path}[${index}]`, depth + 1));
    // Nothing to satisfy is not satisfied by everyone.
    return first === undefined ? this.#fail(path, "is empty: say what a call needs") : [first, ...rest];
  }

  #shape(data: unknown, path: string): Members {
    const members = typeof data === "string" ? this.#fromWord(data, path) : data;
    if (typeof members !== "object" || members === null || Array.isArray(members))
      return this.#fail(
        path,
        `is no rule: a word such as authenticated, or members such as { require: "orders:read" }`,
      );
    for (const name of Object.keys(members)) {
      this.#count += 1;
      if (!memberNames.includes(name))
        this.#fail(join(path, name), `is no member of a rule${nearest(name, memberNames)}`);
    }
    if (this.#count > limits.members) this.#fail(path, `a rule has at most ${limits.members} members`);
    return members as Members;
  }

  #fromWord(word: string, path: string): Members {
    const known: readonly string[] = [...words, ...flagNames];
    if (!known.includes(word)) this.#fail(path, `"${word}" is no rule${nearest(word, known)}`);
    return { [word]: true };
  }

  #true(value: unknown, path: string): void {
    if (value !== true) this.#fail(path, "can only be true: leave it out otherwise");
  }

  #name(value: unknown, path: string): string {
    if (typeof value === "string" && /^[^\s\p{Cc}]{1,128}$/u.test(value)) return value;
    return this.#fail(path, "is a name without spaces, of at most 128 characters");
  }

  #message(value: unknown, path: string): string {
    if (typeof value === "string" && /^[^\p{Cc}]{1,200}$/u.test(value)) return value;
    return this.#fail(path, "is one line of at most 200 characters");
  }

  #seconds(value: unknown, path: string): number {
    const [, digits = "", unit = "s"] = /^([1-9]\d{0,5})([smhd])$/.exec(String(value)) ?? [];
    const size = { s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? 0;
    return digits === "" ? this.#fail(path, "is a time such as 90s, 15m, 8h or 1d") : Number(digits) * size;
  }

  #fail(path: string, text: string): never {
    throw new TypeError(`${this.#where}: ${path === "" ? "" : `${path} `}${text}`);
  }
}

type Members = Readonly<Record<string, unknown>>;

function isOneOf<T extends Word | FlagName | NameKind>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
