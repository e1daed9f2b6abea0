/** Bytes before the numbers: what is added to each, and how wide they are. */
const headBytes = 16;

/** Numbers of a column: each with as few bytes as the range of all of them needs, and none where they are all the same. */
export function encodeNumbers(values: Float64Array): Uint8Array {
  const { least, width } = rangeOf(values);
  const bytes = new Uint8Array(headBytes + values.length * width);
  new Float64Array(bytes.buffer, 0, 2).set([least, width]);
  if (width === 0) return bytes;
  const written = arrayOf(bytes.buffer, width, values.length);
  if (width === 8) written.set(values);
  else for (let n = 0; n < values.length; n++) written[n] = (values[n] ?? 0) - least;
  return bytes;
}

/** The numbers again. `bytes` begins at a multiple of 8. */
export function decodeNumbers(bytes: Uint8Array, length: number): Float64Array {
  const [least = 0, width = 0] = new Float64Array(bytes.buffer, bytes.byteOffset, 2);
  const values = new Float64Array(length);
  if (width === 0) return values.fill(least);
  const written = arrayOf(bytes.buffer, width, length, bytes.byteOffset);
  if (width === 8) values.set(written);
  else for (let n = 0; n < length; n++) values[n] = (written[n] ?? 0) + least;
  return values;
}

/** What is no whole number, or too far from the others, is written as it is: 8 bytes each. */
function rangeOf(values: Float64Array): { readonly least: number; readonly width: number } {
  let [least, most, whole] = [values[0] ?? 0, values[0] ?? 0, true];
  for (const value of values) {
    if (value < least) least = value;
    else if (value > most) most = value;
    if (!Number.isSafeInteger(value)) whole = false;
  }
  const range = most - least;
  if (!whole || range >= 2 ** 32) return { least: 0, width: 8 };
  if (range === 0) return { least, width: 0 };
  return { least, width: range < 2 ** 8 ? 1 : range < 2 ** 16 ? 2 : 4 };
}

function arrayOf(
  buffer: ArrayBufferLike,
  width: number,
  length: number,
  at = 0,
): Uint8Array | Uint16Array | Uint32Array | Float64Array {
  if (width === 1) return new Uint8Array(buffer, at + headBytes, length);
  if (width === 2) return new Uint16Array(buffer, at + headBytes, length);
  if (width === 4) return new Uint32Array(buffer, at + headBytes, length);
  return new Float64Array(buffer, at + headBytes, length);
}
