import type { FieldViolation } from "../core/call-error.ts";

/** Makes and checks PHC strings, off the event loop and not too many at once. */
export interface Passwords {
  /** Throws `CallError("UNAVAILABLE")` where too many are waiting. */
  hash(password: string): Promise<string>;
  /**
   * The same work whether there is a hash or not: without one it is done for nothing. `origin`: where it comes from, so that
   * no network takes every place in the queue; undefined where that is not known.
   */
  verify(phc: string | undefined, password: string, origin?: string | undefined): Promise<boolean>;
  /** Was it made with less work than is asked for now? */
  isOutdated(phc: string): boolean;
}

/** NIST SP 800-63B-4 section 3.1.1.2: a password that may be the only factor has at least 15 characters. */
const shortest = 15;
/** At least 64 must be allowed; more than this is work for nothing. */
const longest = 256;

/** Words that everyone tries first, the longer ones before those that they begin with. */
const commonWords = [
  ...[
    "administrator",
    "countersign",
    "qwertyuiop",
    "asdfghjkl",
    "iloveyou",
    "password",
    "passwort",
    "football",
  ],
  ...["baseball", "superman", "changeme", "sunshine", "princess", "letmein", "welcome", "trustno", "default"],
  ...["zxcvbnm", "zxcvbn", "qwerty", "asdfgh", "monkey", "dragon", "master", "secret", "admin", "abc"],
];

/** Is it made of such words, digits and punctuation alone? In one pass for each word: a regular expression of them backtracks. */
function isCommon(password: string): boolean {
  const letters = password.toLowerCase().replace(/[\P{L}]/gu, "");
  return commonWords.reduce((rest, word) => rest.replaceAll(word, ""), letters) === "";
}

/** What is wrong with a new password; undefined if nothing is. No rules of composition (section 3.1.1.2). */
export function passwordViolation(
  password: string,
  account: { readonly username: string; readonly email?: string | undefined },
  field = "password",
): FieldViolation | undefined {
  const { length } = [...password];
  if (length < shortest || length > longest) {
    return { field, description: `${shortest} to ${longest} characters; a few words make a good one` };
  }
  const distinct = new Set(password.toLowerCase()).size;
  if (isCommon(password) || distinct < 5) {
    return { field, description: "among the first that anyone would try; choose another" };
  }
  const names = [account.username, account.email ?? "", account.email?.split("@")[0] ?? ""];
  const bare = password.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  if (
    names.some((name) => name.length > 3 && repeats(bare, name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")))
  ) {
    return { field, description: "made of the account's own name; choose another" };
  }
  return undefined;
}

/** Is the text the name over and over, with no more than digits besides? */
function repeats(text: string, name: string): boolean {
  return name !== "" && /^\d*$/.test(text.replaceAll(name, ""));
}
