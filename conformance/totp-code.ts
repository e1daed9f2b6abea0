import { createHmac } from "node:crypto";

/** RFC 6238 by hand, so that nothing of ours is trusted. `offset` counts steps from the one of this moment. */
export function codeOf(base32: string, offset: number, at = Date.now()): string {
  const bits = [...base32].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter));
  const binary = bits.map((value) => value.toString(2).padStart(5, "0")).join("");
  const bytes = (binary.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000) + offset));
  const mac = createHmac("sha1", Buffer.from(bytes)).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}
