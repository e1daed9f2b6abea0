import { BlockList, isIP, isIPv4 } from "node:net";
import { groupsOf, hostOf } from "../keys/ip-address.ts";

/** Finds out where calls come from. Undefined where many callers share an address, or where there is none. */
export type NetworkOf = (peerAddress: string | undefined) => string | undefined;

/** What a proxy on this machine, and everyone behind it, calls from. */
export const loopbackAddresses: readonly string[] = Object.freeze(["127.0.0.0/8", "::1"]);

export interface NetworkOptions {
  /** What of an IPv4 address counts: all of it (32, the default), or its neighbours with it (24). */
  readonly ipv4Bits?: 24 | 32 | undefined;
}

/**
 * Reads `192.0.2.1:4711` and `[2001:db8::1]:4711`: the IPv4 address, or the /64 of an IPv6 address, which is what one
 * customer has at least. `shared`: addresses and ranges that tell nothing of a caller. Throws `TypeError` for what is
 * neither. What headers say of an address is not asked for: anyone can write them.
 */
export function networkReader(
  shared: readonly string[] = loopbackAddresses,
  { ipv4Bits = 32 }: NetworkOptions = {},
): NetworkOf {
  const list = sharedList(shared);
  return (peerAddress = "") => {
    const address = plainAddress(peerAddress);
    const family = isIP(address);
    if (family === 0) return undefined;
    if (family === 4) {
      if (list.check(address, "ipv4")) return undefined;
      return ipv4Bits === 32 ? address : `${address.slice(0, address.lastIndexOf("."))}.0/24`;
    }
    return list.check(address, "ipv6") ? undefined : `${firstHalf(address)}::/64`;
  };
}

/** IPv4 that is mapped into IPv6 as IPv4. */
function plainAddress(text: string): string {
  const address = hostOf(text);
  if (isIP(address) !== 6) return address;
  const groups = groupsOf(address);
  if (groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return address;
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join(".");
}

function firstHalf(address: string): string {
  return groupsOf(address)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":");
}

function sharedList(shared: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of shared) {
    const [address = "", bits] = entry.split("/", 2);
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    try {
      if (isIP(address) === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits)))
        throw new TypeError("no address");
      if (bits === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(bits), family);
    } catch {
      throw new TypeError(`"${entry}" is neither an address nor a range such as 10.0.0.0/8`);
    }
  }
  return list;
}
