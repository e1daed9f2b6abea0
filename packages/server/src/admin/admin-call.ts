import type { IncomingMessage } from "node:http";
import { HttpCall } from "countersign/http/json";

/** A request of the admin UI as the pipeline sees it: with the credential of its session, and no other one. */
export class AdminCall extends HttpCall {
  readonly #credential: readonly [header: string, value: string] | undefined;

  constructor(request: IncomingMessage, procedure: string, credential?: readonly [string, string]) {
    super("http", procedure, request);
    this.#credential = credential;
  }

  override header(name: string): readonly string[] {
    if (name === this.#credential?.[0]) return [this.#credential[1]];
    return name === "user-agent" ? super.header(name) : [];
  }
}
