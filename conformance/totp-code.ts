import { createHmac } from "node:crypto";
import { setTimeout } from "node:timers/promises";

const stepMs = 30_000;
/** A call that answers with a code arrives within this time. */
const roomMs = 3000;

/** RFC 6238 by hand, so that nothing of ours is trusted. `offset` counts steps from the one of this moment. */
export function codeOf(base32: string, offset: number, at = Date.now()): string {
  const bits = [...base32].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter));
  const binary = bits.map((value) => value.toString(2).padStart(5, "0")).join("");
  const bytes = (binary.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / stepMs) + offset));
  const mac = createHmac("sha1", Buffer.from(bytes)).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/**
 * A moment with room before its step ends, so that a code of the step before is still good when it arrives. Looks at
 * the clock again after the wait: a timer may fire a millisecond before it.
 */
export async function momentInStep(): Promise<number> {
  for (;;) {
    const at = Date.now();
    const left = stepMs - (at % stepMs);
    if (left >= roomMs) return at;
    await setTimeout(left);
  }
}
