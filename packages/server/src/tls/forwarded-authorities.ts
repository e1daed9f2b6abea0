import type { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import { ConfigError } from "../config/config-error.ts";
import { Reloading } from "./reloading.ts";
import { readAuthorities } from "./tls-material.ts";
import { fileState, watchFiles } from "./watch-files.ts";

const where = "proxies.client_ca_file";

/** Who is believed about certificates that a proxy forwards: a file, which may change while the program runs. */
export class ForwardedAuthorities {
  readonly #path: string;
  readonly #log: Logger;
  readonly #reloading: Reloading;
  readonly #unwatch: () => void;
  #current: readonly X509Certificate[];

  /** Reads the file, and watches it from then on. Throws as `readForwardedAuthorities()` does. */
  constructor(path: string, log: Logger) {
    const seen = fileState([path]);
    this.#path = path;
    this.#log = log.child({ tls: where });
    this.#reloading = new Reloading(this.#log, "the new authorities cannot be used; those of before stay");
    this.#current = readForwardedAuthorities(path);
    this.#unwatch = watchFiles([path], { seen, onChange: () => this.reload() });
  }

  /** The same array until the file was read anew. */
  get current(): readonly X509Certificate[] {
    return this.#current;
  }

  /** Reads the file anew. What is good counts from the next call on; what cannot be used changes nothing but the log: false. */
  reload(): boolean {
    const done = this.#reloading.attempt(() => {
      this.#current = readForwardedAuthorities(this.#path);
    });
    if (!done) return false;
    this.#log.info({ authorities: this.#current.length }, "certificates were read anew");
    return true;
  }

  close(): void {
    this.#unwatch();
  }
}

/** Reads the authorities. Throws a `ConfigError` for a file that has none, and for one that holds anything else. */
export function readForwardedAuthorities(path: string): readonly X509Certificate[] {
  const problem = (text: string): ConfigError => new ConfigError(`${where} ${path} ${text}`);
  const authorities = readAuthorities(path, problem);
  const stranger = authorities.find(({ ca }) => !ca);
  if (stranger !== undefined)
    throw problem(`holds a certificate that may sign no other: ${stranger.subject}`);
  return authorities;
}
