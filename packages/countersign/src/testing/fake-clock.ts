/** A clock that stands still until it is moved: for every option `now`, and for `Date`s. */
export class FakeClock {
  /** Milliseconds since the epoch. */
  ms: number;
  readonly now = (): number => this.ms;

  /** Default: an instant of January 2027. */
  constructor(ms = 1_800_000_000_000) {
    this.ms = ms;
  }

  get date(): Date {
    return new Date(this.ms);
  }

  advance(ms: number): void {
    this.ms += ms;
  }
}
