/** Requests of a stream that are remembered until the first answer. With more than that it is not begun anew. */
const rememberedMessages = 16;

/** What a caller sends on a stream, so that it can be sent from the start again for as long as nothing came back. */
export class ReplayableMessages<T> {
  readonly #source: AsyncIterable<T>;
  #iterator: AsyncIterator<T> | undefined;
  /** By their place: read once, however many tries ask for them. */
  readonly #read = new Map<number, Promise<IteratorResult<T>>>();
  #released = false;

  constructor(source: AsyncIterable<T>) {
    this.#source = source;
  }

  /** Can it be begun anew? */
  get isWhole(): boolean {
    return !this.#released;
  }

  /** An answer has come: what was sent need not be remembered. */
  release(): void {
    this.#released = true;
  }

  /** All messages from the first one on. A try that ends early leaves the rest to the next one. */
  fromStart(): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => {
        let place = 0;
        const leave = async (): Promise<IteratorResult<T>> => {
          if (this.#released) await this.#iterator?.return?.();
          return { done: true, value: undefined };
        };
        // Connect wants all three of them.
        return { next: () => this.#at(place++), return: leave, throw: leave };
      },
    };
  }

  #at(place: number): Promise<IteratorResult<T>> {
    const known = this.#read.get(place);
    if (this.#released) this.#read.delete(place);
    if (known !== undefined) return known;
    this.#iterator ??= this.#source[Symbol.asyncIterator]();
    const next = this.#iterator.next();
    if (this.#released) return next;
    this.#read.set(place, next);
    // That there is no more is not one message more.
    if (place >= rememberedMessages)
      next.then(
        ({ done }) => done !== true && this.release(),
        () => {},
      );
    return next;
  }
}
