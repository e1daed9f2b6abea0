/** A discrete-event simulation: a clock in milliseconds, and what happens next. */
export class Simulation {
  readonly #times: number[] = [];
  readonly #actions: (() => void)[] = [];
  now = 0;
  events = 0;

  after(delay: number, action: () => void): void {
    this.#push(this.now + delay, action);
  }

  /** Until nothing happens any more, or the time is up. */
  run(until: number): void {
    while (this.#times.length > 0 && (this.#times[0] ?? 0) <= until) {
      this.now = this.#times[0] ?? 0;
      this.events += 1;
      this.#pop()();
    }
    this.now = until;
  }

  /** A binary heap, in two arrays. */
  #push(time: number, action: () => void): void {
    const [times, actions] = [this.#times, this.#actions];
    let at = times.length;
    times.push(time);
    actions.push(action);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((times[parent] ?? 0) <= time) break;
      times[at] = times[parent] ?? 0;
      actions[at] = actions[parent] ?? action;
      at = parent;
    }
    times[at] = time;
    actions[at] = action;
  }

  #pop(): () => void {
    const [times, actions] = [this.#times, this.#actions];
    const first = actions[0] ?? (() => {});
    const time = times.pop() ?? 0;
    const action = actions.pop() ?? first;
    const size = times.length;
    if (size === 0) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && (times[child + 1] ?? 0) < (times[child] ?? 0)) child += 1;
      if ((times[child] ?? 0) >= time) break;
      times[at] = times[child] ?? 0;
      actions[at] = actions[child] ?? action;
      at = child;
    }
    times[at] = time;
    actions[at] = action;
    return first;
  }
}

/** Servers that work on what comes in, in the order in which it comes, and the queue before them. */
export class Station {
  readonly #simulation: Simulation;
  readonly #servers: number;
  readonly #service: () => number;
  readonly #waiting: (() => void)[] = [];
  #head = 0;
  #busy = 0;
  /** Server-milliseconds of work. */
  worked = 0;
  served = 0;

  constructor(simulation: Simulation, servers: number, service: () => number) {
    this.#simulation = simulation;
    this.#servers = servers;
    this.#service = service;
  }

  request(done: () => void): void {
    if (this.#busy < this.#servers) this.#serve(done);
    else this.#waiting.push(done);
  }

  get queue(): number {
    return this.#waiting.length - this.#head;
  }

  utilisation(): number {
    return this.worked / (this.#servers * this.#simulation.now);
  }

  #serve(done: () => void): void {
    this.#busy += 1;
    const time = this.#service();
    this.worked += time;
    this.#simulation.after(time, () => {
      this.#busy -= 1;
      this.served += 1;
      const next = this.#waiting[this.#head];
      if (next !== undefined) {
        this.#head += 1;
        if (this.#head > 10_000) {
          this.#waiting.splice(0, this.#head);
          this.#head = 0;
        }
        this.#serve(next);
      }
      done();
    });
  }
}

/** The value below which a share of the numbers lies. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
