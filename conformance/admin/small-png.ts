import { crc32, deflateSync, inflateSync } from "node:zlib";

// A picture of a page has few colours that anybody can tell apart: with a palette of 256 it is a third of the size.

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** The same picture with at most 256 colours. For PNGs of 8 bits without interlacing, as browsers write them. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png);
  const { palette, indices } = reduce(pixels);
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    lines.set(indices.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flat())),
    chunk("IDAT", deflateSync(lines, { level: 9, memLevel: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes each. */
  readonly pixels: Uint8Array;
}

function decode(png: Buffer): Picture {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const channels = png[25] === 6 ? 4 : 3;
  if (png[24] !== 8 || (png[25] !== 6 && png[25] !== 2) || png[28] !== 0)
    throw new Error("another kind of PNG");
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(data));
  const stride = width * channels;
  let before: Uint8Array = new Uint8Array(stride);
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const line = unfiltered(raw[start] ?? 0, raw.subarray(start + 1, start + 1 + stride), before, channels);
    for (let x = 0; x < width; x++)
      pixels.set(line.subarray(x * channels, x * channels + 3), (y * width + x) * 3);
    before = line;
  }
  return { width, height, pixels };
}

/** PNG specification, section 9. */
function unfiltered(kind: number, line: Uint8Array, above: Uint8Array, step: number): Uint8Array {
  const out = new Uint8Array(line.length);
  for (let at = 0; at < line.length; at++) {
    const a = at >= step ? (out[at - step] ?? 0) : 0;
    const b = above[at] ?? 0;
    const c = at >= step ? (above[at - step] ?? 0) : 0;
    const guess = [0, a, b, (a + b) >> 1, paeth(a, b, c)][kind] ?? 0;
    out[at] = ((line[at] ?? 0) + guess) & 255;
  }
  return out;
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

/** The most frequent colours that differ, at most 256; every other one becomes the nearest of them. */
function reduce(pixels: Uint8Array): { palette: number[][]; indices: Uint8Array } {
  const counts = new Map<number, number>();
  const colorAt = (at: number): number =>
    ((pixels[at * 3] ?? 0) << 16) | ((pixels[at * 3 + 1] ?? 0) << 8) | (pixels[at * 3 + 2] ?? 0);
  const count = pixels.length / 3;
  for (let at = 0; at < count; at++) counts.set(colorAt(at), (counts.get(colorAt(at)) ?? 0) + 1);
  const parts = (color: number): number[] => [color >> 16, (color >> 8) & 255, color & 255];
  const distance = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, part, at) => sum + (part - (b[at] ?? 0)) ** 2, 0);
  const palette: number[][] = [];
  for (const [color] of [...counts].sort(([, a], [, b]) => b - a)) {
    const one = parts(color);
    // A neighbour of one that is there would take the place of a colour that is rare and different.
    if (palette.length < 16 || palette.every((other) => distance(one, other) > 120)) palette.push(one);
    if (palette.length === 256) break;
  }
  const nearest = (color: number): number => {
    const wanted = parts(color);
    let best = 0;
    for (let at = 1; at < palette.length; at++)
      if (distance(wanted, palette[at] ?? []) < distance(wanted, palette[best] ?? [])) best = at;
    return best;
  };
  const indexOf = new Map([...counts.keys()].map((color) => [color, nearest(color)]));
  return { palette, indices: Uint8Array.from({ length: count }, (_, at) => indexOf.get(colorAt(at)) ?? 0) };
}
