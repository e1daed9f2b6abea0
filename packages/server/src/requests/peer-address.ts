import { BlockList, isIP } from "node:net";
import type { Call } from "countersign";

/** Where a call came from, as far as that can be believed. `connected`: the other end of the connection. */
export type PeerAddress = (call: Call, connected: string | undefined) => string | undefined;

/**
 * The other end of the connection; where that is a proxy that is trusted, what it says in `x-forwarded-for`: the last
 * address there that is no such proxy. Anybody can write what stands before it.
 */
export function peerAddress(trusted: readonly string[]): PeerAddress {
  if (trusted.length === 0) return (_call, connected) => connected;
  const isProxy = proxiesIn(trusted);
  return (call, connected) => {
    if (connected === undefined || !isProxy(addressOf(connected))) return connected;
    return lastCaller(call.header("x-forwarded-for"), isProxy) ?? connected;
  };
}

/** What the values of `x-forwarded-for` say of a caller, as `address:0`. Undefined where they say nothing. */
export type ForwardedAddress = (values: readonly string[]) => string | undefined;

/** The same for a proxy that has shown who it is: it needs no place in the list, and those before it do. */
export function forwardedAddress(trusted: readonly string[]): ForwardedAddress {
  const isProxy = proxiesIn(trusted);
  return (values) => {
    const caller = lastCaller(values, isProxy);
    if (caller === undefined) return undefined;
    return caller.includes(":") ? `[${caller}]:0` : `${caller}:0`;
  };
}

function proxiesIn(trusted: readonly string[]): (address: string) => boolean {
  const proxies = listOf(trusted);
  return (address) => {
    const family = isIP(address);
    return family !== 0 && proxies.check(address, family === 4 ? "ipv4" : "ipv6");
  };
}

function lastCaller(values: readonly string[], isProxy: (address: string) => boolean): string | undefined {
  const forwarded = values.flatMap((value) => value.split(",")).map((entry) => addressOf(entry.trim()));
  const caller = forwarded.findLast((address) => !isProxy(address));
  // What is no address was not written by a proxy of ours.
  return caller !== undefined && isIP(caller) !== 0 ? caller : undefined;
}

/** Without port, brackets and zone; IPv4 that is mapped into IPv6 as IPv4. */
function addressOf(text: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d+)?$/.exec(text) ?? [];
  return (v4 ?? v6 ?? text).replace(/%.*$/s, "").replace(/^::ffff:(?=[\d.]+$)/i, "");
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/", 2);
    const family = isIP(address) === 4 ? "ipv4" : "ipv6";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
