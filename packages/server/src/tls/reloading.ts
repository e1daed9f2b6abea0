import type { Logger } from "pino";
import { ConfigError } from "../config/config-error.ts";

/** Reads files anew, and complains once of what cannot be used: it changes nothing but the log. */
export class Reloading {
  readonly #log: Logger;
  readonly #refusal: string;
  #complaint = "";

  /** `refusal`: what is logged of what cannot be used. */
  constructor(log: Logger, refusal: string) {
    this.#log = log;
    this.#refusal = refusal;
  }

  /** Did it work? Whatever is thrown besides a `ConfigError` goes on. */
  attempt(reload: () => void): boolean {
    try {
      reload();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (error.message !== this.#complaint) this.#log.error({ cause: error.message }, this.#refusal);
      this.#complaint = error.message;
      return false;
    }
    this.#complaint = "";
    return true;
  }
}
