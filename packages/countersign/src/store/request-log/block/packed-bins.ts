import { lastBin } from "../histogram.ts";

/** How many bins there are. */
export const binCount = lastBin + 1;

/** A histogram as it is kept. */
export interface PackedBins {
  /** In all of its bins. */
  readonly calls: number;
  /** Of each bin that has calls: how many it is behind the one before, and how many calls. LEB128. */
  readonly bins: Uint8Array;
}

export function packBins(histogram: Uint32Array | Float64Array): PackedBins {
  const bytes: number[] = [];
  let calls = 0;
  for (let [bin, last] = [0, 0]; bin < histogram.length; bin++) {
    const count = histogram[bin] ?? 0;
    if (count === 0) continue;
    calls += count;
    write(bytes, bin - last);
    write(bytes, count);
    last = bin;
  }
  return { calls, bins: Uint8Array.from(bytes) };
}

/** Tells of each bin that has calls. */
export function eachBin(packed: Uint8Array, visit: (bin: number, calls: number) => void): void {
  let [at, bin] = [0, 0];
  const read = (): number => {
    let [value, scale, byte] = [0, 1, 0];
    do {
      byte = packed[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80);
    return value;
  };
  while (at < packed.length) {
    bin += read();
    visit(bin, read());
  }
}

/** Both together. */
export function addedBins(one: Uint8Array, other: Uint8Array): Uint8Array {
  const sum = new Float64Array(binCount);
  const add = (bin: number, calls: number): void => {
    sum[bin] = (sum[bin] ?? 0) + calls;
  };
  eachBin(one, add);
  eachBin(other, add);
  return packBins(sum).bins;
}

function write(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}
