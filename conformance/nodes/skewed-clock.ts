// To be loaded with `--import` before a node: its clock is off by CLOCK_SKEW_MS, as on a machine that nobody sets right.
const skew = Number(process.env["CLOCK_SKEW_MS"] ?? "0");
const RealDate = Date;

class SkewedDate extends RealDate {
  constructor(...values: readonly unknown[]) {
    if (values.length === 0) super(RealDate.now() + skew);
    else super(...(values as [number]));
  }

  static override now(): number {
    return RealDate.now() + skew;
  }
}
globalThis.Date = SkewedDate as DateConstructor;
// What nobody sets may begin anywhere.
const elapsed = performance.now.bind(performance);
performance.now = () => elapsed() + 1_000_000;
