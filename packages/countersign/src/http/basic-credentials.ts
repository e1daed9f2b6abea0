import type { IncomingMessage } from "node:http";
import { HttpCall } from "./http-call.ts";

/** Where API keys are read. */
export interface KeyHeader {
  /** In lower case. */
  readonly name: string;
  /** Before the key; empty for none. */
  readonly scheme: string;
}

/** A client's id and secret (RFC 6749 section 2.3.1): the public part of an API key, and the key. */
export interface BasicCredentials {
  readonly clientId: string;
  readonly secret: string;
}

/** Reads `Basic …` (RFC 7617). Undefined if it is anything else, or comes more than once. */
export function basicCredentials(values: readonly string[]): BasicCredentials | undefined {
  const [value = "", ...more] = values;
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value) ?? [];
  if (encoded === undefined || more.length > 0) return undefined;
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  try {
    return { clientId: formDecoded(id), secret: formDecoded(secret) };
  } catch {
    return undefined;
  }
}

/** Both are encoded as in a form. */
function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

/** A request whose secret stands where API keys are read, beside what else may stand there. */
export class BasicCall extends HttpCall {
  readonly #key: KeyHeader;
  readonly #secret: string;

  constructor(request: IncomingMessage, { procedure, key, secret }: BasicCallOptions) {
    super("http", procedure, request);
    this.#key = key;
    this.#secret = secret;
  }

  override header(name: string): readonly string[] {
    const others = name === "authorization" ? [] : super.header(name);
    const { name: own, scheme } = this.#key;
    return name === own ? [...others, `${scheme}${scheme === "" ? "" : " "}${this.#secret}`] : others;
  }
}

export interface BasicCallOptions {
  readonly procedure: string;
  readonly key: KeyHeader;
  readonly secret: string;
}
