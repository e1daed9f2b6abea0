/** Arrays of 8 bytes an element can be read where they are. */
const alignment = 8;

/** Byte strings behind each other, each at a multiple of 8, with a table of where they end before them. */
export function withSections(parts: readonly Uint8Array[]): Uint8Array {
  const table = new Uint32Array(evenly(parts.length * 4) / 4);
  let end = table.byteLength;
  for (const [n, { length }] of parts.entries()) {
    table[n] = end + length;
    end = evenly(end + length);
  }
  const bytes = new Uint8Array(end);
  bytes.set(new Uint8Array(table.buffer));
  for (const [n, part] of parts.entries()) bytes.set(part, (table[n] ?? 0) - part.length);
  return bytes;
}

/** The parts again, which share the bytes. */
export function sections(given: Uint8Array, count: number): readonly Uint8Array[] {
  const bytes = given.byteOffset % alignment === 0 ? given : new Uint8Array(given);
  const table = new Uint32Array(bytes.buffer, bytes.byteOffset, count);
  let start = evenly(count * 4);
  return Array.from(table, (end) => {
    const part = bytes.subarray(start, end);
    start = evenly(end);
    return part;
  });
}

function evenly(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
