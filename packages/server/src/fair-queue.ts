export interface FairQueueOptions {
  /** How many work at once. */
  readonly concurrent: number;
  /** How many may wait. */
  readonly places: number;
  /** How many of them may be of one origin. */
  readonly placesPerOrigin: number;
  /** What those are told for whom there is no place. */
  readonly full: () => Error;
}

interface Waiting {
  readonly begin: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * Bounded work in which origins take turns: one that sends much waits for itself, and not the others for it. When every
 * place is taken, the origin with the most of them gives up its newest for one that has fewer.
 */
export class FairQueue {
  readonly #options: FairQueueOptions;
  #running = 0;
  #waiting = 0;
  /** In the order of their turns. Work of no known origin is one of them, and may take every place that nobody else wants. */
  readonly #lines = new Map<string | undefined, Waiting[]>();

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  async run<T>(work: () => Promise<T>, origin?: string | undefined): Promise<T> {
    if (this.#running < this.#options.concurrent) this.#running += 1;
    else await this.#turn(origin);
    try {
      return await work();
    } finally {
      // A place is handed on, not given back: nobody who comes now gets in between.
      if (!this.#next()) this.#running -= 1;
    }
  }

  #turn(origin: string | undefined): Promise<void> {
    const line = this.#lines.get(origin) ?? [];
    const { places, placesPerOrigin, full } = this.#options;
    if (origin !== undefined && line.length >= placesPerOrigin) throw full();
    if (this.#waiting >= places && !this.#makeRoom(line.length)) throw full();
    this.#waiting += 1;
    this.#lines.set(origin, line);
    return new Promise((begin, refuse) => line.push({ begin, refuse }));
  }

  /** False if no origin has more waiting than one that has `own` would have with one more. */
  #makeRoom(own: number): boolean {
    const [origin, line] = [...this.#lines].reduce((longest, one) =>
      one[1].length > longest[1].length ? one : longest,
    );
    if (line.length <= own + 1) return false;
    this.#waiting -= 1;
    line.pop()?.refuse(this.#options.full());
    if (line.length === 0) this.#lines.delete(origin);
    return true;
  }

  #next(): boolean {
    const [first] = this.#lines;
    if (first === undefined) return false;
    const [origin, line] = first;
    const next = line.shift();
    this.#lines.delete(origin);
    if (line.length > 0) this.#lines.set(origin, line);
    this.#waiting -= 1;
    next?.begin();
    return true;
  }
}
