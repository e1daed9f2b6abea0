import { type DescMessage, fromJsonString, type JsonReadOptions } from "@bufbuild/protobuf";
import { invalidRequest } from "./errors.ts";

/**
 * Reads a request's JSON before Connect does, whose parser quotes what it could not read: that may be a password. What
 * is told instead names the message and its fields. An empty body is `{}`.
 */
export class RequestText extends TextDecoder {
  readonly #schema: DescMessage;
  readonly #options: Partial<JsonReadOptions>;

  constructor(schema: DescMessage, options: Partial<JsonReadOptions> = {}) {
    super("utf-8", { fatal: true });
    this.#schema = schema;
    // As Connect has it: a field that is not known is left out, unless a server wants to hear of it.
    this.#options = { ignoreUnknownFields: true, ...options };
  }

  override decode(bytes?: Uint8Array): string {
    if (bytes === undefined || bytes.byteLength === 0) return "{}";
    try {
      const text = super.decode(bytes);
      fromJsonString(this.#schema, text, this.#options);
      return text;
    } catch {
      throw invalidRequest(notTheRequest(this.#schema));
    }
  }
}

function notTheRequest({ name, fields }: DescMessage): string {
  return `The body is not a ${name}; its fields are: ${fields.map((field) => field.name).join(", ") || "none"}`;
}
