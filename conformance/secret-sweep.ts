import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Secrets that were given out or configured, by what they are. */
export type Secrets = Readonly<Record<string, string>>;

/** Where one of them was found, and in which form. */
export interface Leak {
  readonly secret: string;
  readonly form: string;
  readonly place: string;
}

const forms: Readonly<Record<string, (secret: string) => string>> = {
  "as it is": (secret) => secret,
  "as JSON": (secret) => JSON.stringify(secret).slice(1, -1),
  base64: (secret) => Buffer.from(secret).toString("base64").replace(/=+$/, ""),
  base64url: (secret) => Buffer.from(secret).toString("base64url"),
  hex: (secret) => Buffer.from(secret).toString("hex"),
  HEX: (secret) => Buffer.from(secret).toString("hex").toUpperCase(),
  "URL-encoded": (secret) => encodeURIComponent(secret),
};

/** One name for each of several secrets of a kind. */
export function named(secrets: Readonly<Record<string, readonly string[]>>): Secrets {
  return Object.fromEntries(
    Object.entries(secrets).flatMap(([kind, texts]) => texts.map((text, n) => [`${kind}, ${n + 1}`, text])),
  );
}

/** Short texts could be anywhere by chance. */
const shortest = 10;

/** Looks for every secret in every form in every place. */
export function sweep(secrets: Secrets, places: Readonly<Record<string, Buffer>>): readonly Leak[] {
  for (const [secret, text] of Object.entries(secrets))
    if (text.length < shortest) throw new TypeError(`${secret} is too short to look for`);
  return find({ ...secrets, ...privateMembers }, places);
}

/** What stands in a private key that is written as JWK, and in nothing else. */
const privateMembers: Secrets = { "a private key of RSA as JWK": '","qi":"' };

function find(secrets: Secrets, places: Readonly<Record<string, Buffer>>): readonly Leak[] {
  return Object.entries(secrets).flatMap(([secret, text]) =>
    Object.entries(forms).flatMap(([form, write]) => {
      const wanted = Buffer.from(write(text));
      return Object.entries(places)
        .filter(([, content]) => content.includes(wanted))
        .map(([place]) => ({ secret, form, place }));
    }),
  );
}

/** Every file of a folder, by its name. */
export function filesIn(folder: string): Readonly<Record<string, Buffer>> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    names
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))]),
  );
}
