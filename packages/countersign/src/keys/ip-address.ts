import { isIP } from "node:net";

/** An address as a number. IPv4 that is mapped into IPv6 (RFC 4291 section 2.5.5.2) is IPv4. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A range of addresses: those whose first `length` bits are the same. */
export interface IpRange extends IpAddress {
  readonly length: number;
}

const widthOf = { 4: 32, 6: 128 } as const;

/**
 * Reads what a transport says of a peer: `192.0.2.1:4711`, `[2001:db8::1]:4711`, or the address alone. Undefined for a socket's
 * path, and for what is no address.
 */
export function readPeerAddress(text: string): IpAddress | undefined {
  return readAddress(hostOf(text));
}

/** The same as text, without port, brackets and zone; whatever it is. */
export function hostOf(text: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/.exec(text) ?? [];
  return (v4 ?? v6 ?? text).replace(/%.*$/s, "");
}

/** The eight numbers of an IPv6 address. */
export function groupsOf(address: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, start = address, a = 0, b = 0, c = 0, d = 0] = dotted ?? [];
  const pair = (high: string | number, low: string | number): string =>
    (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted === null ? address : `${start}${pair(a, b)}:${pair(c, d)}`;
  const [left = "", right] = text.split("::");
  const parts = (half: string): string[] => (half === "" ? [] : half.split(":"));
  const before = parts(left);
  const after = right === undefined ? [] : parts(right);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. Undefined for what is none, or has bits behind its length. */
export function readRange(text: string): IpRange | undefined {
  const [, host = "", digits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const written = isIP(host);
  const address = readAddress(host);
  if (address === undefined || (written !== 4 && written !== 6)) return undefined;
  const given = digits === undefined ? widthOf[written] : Number(digits);
  // 96 bits of a mapped address say that it is one.
  const length = given - (widthOf[written] - widthOf[address.family]);
  if (length < 0 || given > widthOf[written]) return undefined;
  const range = { ...address, length };
  return firstBits(range, length) === address.value ? range : undefined;
}

/** Is the address, or the whole of another range, in this range? */
export function isWithin(inner: IpAddress | IpRange, outer: IpRange): boolean {
  if (inner.family !== outer.family) return false;
  if ("length" in inner && inner.length < outer.length) return false;
  return firstBits(inner, outer.length) === outer.value;
}

/** `192.0.2.1`, or the /64 of an IPv6 address, which is what one customer has at least: `2001:db8:0:1::/64`. */
export function networkText(address: IpAddress): string {
  if (address.family === 4) return addressText(address);
  const groups = [112n, 96n, 80n, 64n].map((shift) => ((address.value >> shift) & 0xffffn).toString(16));
  return `${groups.join(":")}::/64`;
}

/** IPv4 with dots; IPv6 as eight groups, or shorter as RFC 5952 section 4 has it. */
export function addressText({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16),
  );
  const text = groups.join(":");
  const longest = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)[0];
  if (longest === undefined) return text;
  const [before, after] = [text.slice(0, longest.index), text.slice(longest.index + longest[0].length + 1)];
  return `${before}::${after}`;
}

function firstBits({ family, value }: IpAddress, length: number): bigint {
  const rest = BigInt(widthOf[family] - length);
  return (value >> rest) << rest;
}

function readAddress(text: string): IpAddress | undefined {
  const family = isIP(text);
  if (family === 4) return { family, value: readV4(text) };
  if (family !== 6 || text.includes("%")) return undefined;
  const value = readV6(text);
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffff_ffffn } : { family, value };
}

function readV4(text: string): bigint {
  return text.split(".").reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function readV6(text: string): bigint {
  return groupsOf(text).reduce((value, group) => (value << 16n) + BigInt(group), 0n);
}
