// Looks for keys in random text, where there are none: `node --conditions=countersign-source tools/scan-random.ts [MEGABYTES]`.
// The text is made of what keys are made of, with the beginning of a key in every kilobyte and underscores where a key has them, so
// that only the checksum tells it from one. Prints how much was looked at, how fast, and what was found; exit code 1 for a hit.
import { randomFillSync } from "node:crypto";
import { createKeyScanner } from "countersign/api-key";

const megabytes = Number(process.argv[2] ?? 1000);
const alphabet = Buffer.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0_");
const letters = Buffer.from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01");
const piece = Buffer.alloc(1_000_000);
const everyBytes = 1000;
const keyLength = "cs_live_".length + 17 + 1 + 49;

function fill(): number {
  randomFillSync(piece);
  for (let at = 0; at < piece.length; at++) piece[at] = alphabet[(piece[at] ?? 0) & 63] ?? 0;
  let shapes = 0;
  for (let at = 0; at + keyLength < piece.length; at += everyBytes) {
    piece.write("cs_live_", at, "latin1");
    for (let place = at + 8; place < at + keyLength; place++) {
      if (piece[place] === 95) piece[place] = letters[place & 63] ?? 0;
    }
    piece[at + 25] = 95;
    shapes += 1;
  }
  return shapes;
}

const scanner = createKeyScanner();
let [hits, shapes, scanning] = [0, 0, 0];
for (let part = 0; part < megabytes; part++) {
  shapes += fill();
  const began = performance.now();
  hits += scanner.push(piece).length;
  scanning += performance.now() - began;
}
hits += scanner.end().length;
const speed = Math.round((megabytes / scanning) * 1000);
console.log(`${megabytes} MB, ${shapes} texts in the shape of a key: ${hits} found, at ${speed} MB a second`);
process.exitCode = hits === 0 ? 0 : 1;
