import type { RevocationView } from "countersign";

/** Whether this node should be asked: it was told to serve, and has not been cut off from its store for too long. */
export class Readiness {
  readonly #revocations: RevocationView;
  readonly #listeners: ((ready: boolean) => void)[] = [];
  readonly #forget: () => void;
  #wanted = false;
  #ready = false;

  constructor(revocations: RevocationView) {
    this.#revocations = revocations;
    this.#forget = revocations.onChange(() => this.#judge());
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Calls back whenever the answer changes. */
  onChange(listener: (ready: boolean) => void): void {
    this.#listeners.push(listener);
  }

  serve(): void {
    this.#wanted = true;
    this.#judge();
  }

  end(): void {
    this.#wanted = false;
    this.#judge();
    this.#forget();
  }

  #judge(): void {
    // A node that is cut off refuses everything: others had better be asked.
    const { version } = this.#revocations;
    const ready = this.#wanted && this.#revocations.check({}, version) !== "unavailable";
    if (ready === this.#ready) return;
    this.#ready = ready;
    for (const listener of this.#listeners) listener(ready);
  }
}
