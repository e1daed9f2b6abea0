import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { networkReader } from "./network.ts";

const networkOf = networkReader([]);

describe("a network", () => {
  for (const [address, network] of [
    ["192.0.2.1:4711", "192.0.2.1"],
    ["192.0.2.1", "192.0.2.1"],
    ["[::ffff:192.0.2.1]:80", "192.0.2.1"],
    ["[::ffff:c000:0201]:80", "192.0.2.1"],
    ["[2001:db8:1:2:3:4:5:6]:80", "2001:db8:1:2::/64"],
    ["[2001:DB8:0001:0002::]:80", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["[fe80::1%eth0]:80", "fe80:0:0:0::/64"],
    ["[::1]:80", "0:0:0:0::/64"],
    ["[64:ff9b::192.0.2.1]:80", "64:ff9b:0:0::/64"],
    ["", undefined],
    [undefined, undefined],
    ["/run/countersign.sock", undefined],
    ["unknown:1", undefined],
    ["999.1.1.1:1", undefined],
    ["[not an address]:1", undefined],
  ] as const) {
    it(`of ${address} is ${network}`, () => assert.equal(networkOf(address), network));
  }

  it("has one name in every spelling of its addresses", () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    const half = fc.tuple(group, group, group, group);
    fc.assert(
      fc.property(half, half, half, (left, a, b) => {
        const text = (right: readonly number[]) => [...left, ...right].map((n) => n.toString(16)).join(":");
        const padded = [...left, ...b].map((n) => n.toString(16).toUpperCase().padStart(4, "0")).join(":");
        assert.equal(networkOf(`[${text(a)}]:1`), networkOf(`[${padded}]:2`));
      }),
    );
  });
});

it("an address that many share has none", () => {
  const shared = networkReader(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]);
  for (const address of ["10.255.0.1:1", "[::ffff:10.0.0.1]:1", "[2001:db8:9::1]:1", "192.0.2.7:1"]) {
    assert.equal(shared(address), undefined, address);
  }
  assert.equal(shared("192.0.2.8:1"), "192.0.2.8");
  assert.equal(networkReader()("127.9.9.9:1"), undefined);
  assert.equal(networkReader()("[::1]:1"), undefined);
});

it("of bad credentials has its neighbours with it", () => {
  const wide = networkReader(["203.0.113.0/24"], { ipv4Bits: 24 });
  assert.equal(wide("192.0.2.1:4711"), "192.0.2.0/24");
  assert.equal(wide("[::ffff:192.0.2.255]:80"), "192.0.2.0/24");
  assert.equal(wide("[2001:db8:1:2:3:4:5:6]:80"), "2001:db8:1:2::/64");
  assert.equal(wide("203.0.113.9:1"), undefined);
});
