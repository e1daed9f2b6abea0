import assert from "node:assert/strict";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { addressText, isWithin, networkText, readPeerAddress, readRange } from "./ip-address.ts";
import { compileRestriction, normalMethod, withinRestrictions } from "./key-restriction.ts";

const v4 = fc.ipV4();
const v6 = fc.ipV6();
const bits4 = fc.integer({ min: 0, max: 32 });
const bits6 = fc.integer({ min: 0, max: 128 });

/** The range with nothing behind its length. */
function rangeOf(address: string, bits: number): string {
  const read = readRange(address) ?? assert.fail(address);
  const width = BigInt((read.family === 4 ? 32 : 128) - bits);
  return `${addressText({ family: read.family, value: (read.value >> width) << width })}/${bits}`;
}

describe("ranges of addresses", () => {
  it("say of every address what Node's own list says", () => {
    const agree = (address: string, base: string, bits: number, family: "ipv4" | "ipv6"): void => {
      const list = new BlockList();
      list.addSubnet(base, bits, family);
      const peer = readPeerAddress(address) ?? assert.fail(address);
      const range = readRange(rangeOf(base, bits)) ?? assert.fail(rangeOf(base, bits));
      assert.equal(isWithin(peer, range), list.check(address, family));
    };
    fc.assert(fc.property(v4, v4, bits4, (address, base, bits) => agree(address, base, bits, "ipv4")));
    // Mapped addresses are IPv4 to us: they are looked at below.
    const plain = v6.filter((text) => readRange(text)?.family === 6);
    fc.assert(fc.property(plain, plain, bits6, (address, base, bits) => agree(address, base, bits, "ipv6")));
  });

  it("are read back as they were written", () => {
    fc.assert(fc.property(v4, (text) => addressText(readRange(text) ?? assert.fail()) === text));
    fc.assert(
      fc.property(v6, (text) => {
        const read = readRange(text) ?? assert.fail(text);
        const written = addressText(read);
        assert.ok(read.family === 6 ? isIPv6(written) : isIPv4(written), written);
        assert.deepEqual(readRange(written), read);
      }),
    );
  });

  it("are told from what is none, and from ones with bits behind their length", () => {
    for (const text of [
      "",
      "10.0.0.0/33",
      "10.0.0.1/8",
      "2001:db8::1/32",
      "::/129",
      "10/8",
      "a",
      "fe80::1%eth0",
      "1.2.3.4/",
      "1.2.3.4/08x",
    ])
      assert.equal(readRange(text), undefined, text);
    assert.deepEqual(readRange("::ffff:10.0.0.0/104"), readRange("10.0.0.0/8"));
    assert.equal(readRange("::ffff:0:0/90"), undefined);
  });

  it("read what transports say of a peer", () => {
    const read = (text: string) => {
      const address = readPeerAddress(text);
      return address && `${addressText(address)} ${networkText(address)}`;
    };
    assert.equal(read("192.0.2.1:4711"), "192.0.2.1 192.0.2.1");
    assert.equal(read("[2001:db8::1:2]:443"), "2001:db8::1:2 2001:db8:0:0::/64");
    assert.equal(read("::ffff:192.0.2.1"), "192.0.2.1 192.0.2.1");
    assert.equal(read("[::ffff:c000:201]:1"), "192.0.2.1 192.0.2.1");
    assert.equal(read("[fe80::1%eth0]:1"), "fe80::1 fe80:0:0:0::/64");
    for (const text of ["", "unknown", "/run/socket", "1.2.3", "localhost:1"])
      assert.equal(read(text), undefined);
  });
});

describe("a restriction", () => {
  const problem = (
    ranges: readonly string[],
    methods: readonly string[],
    procedure: string,
    address?: string,
  ) => compileRestriction({ addressRanges: ranges, methods })?.problemOf({ procedure }, address);

  it("is none where nothing is limited", () => {
    assert.equal(compileRestriction({ addressRanges: [], methods: [] }), undefined);
  });

  it("lets through what it names, warm as cold, and nothing whose address is not known", () => {
    const restriction = compileRestriction({ addressRanges: ["10.0.0.0/8", "::1"], methods: [] });
    const other = "the key is limited to other addresses";
    for (let times = 0; times < 3; times++) {
      assert.equal(restriction?.problemOf({ procedure: "/a.B/C" }, "10.1.2.3:5"), undefined);
      assert.equal(restriction?.problemOf({ procedure: "/a.B/C" }, "[::1]:5"), undefined);
      for (const address of ["11.0.0.1:5", "[::2]:5", "unknown", undefined])
        assert.equal(restriction?.problemOf({ procedure: "/a.B/C" }, address), other);
    }
    for (let port = 0; port < 1000; port++)
      assert.equal(restriction?.problemOf({ procedure: "/a.B/C" }, `10.0.0.1:${port}`), undefined);
  });

  it("by method is exact, or by the whole name of a service", () => {
    const allowed = (procedure: string) =>
      problem([], ["/a.B/Get", "/c.D/*", "GET /x"], procedure) === undefined;
    for (const name of ["/a.B/Get", "/c.D/Any", "GET /x"]) assert.ok(allowed(name), name);
    for (const name of ["/a.B/GetAll", "/a.B/get", "/c.DD/Any", "/x.c.D/Any", "GET /x/y", "/c.D", "/"])
      assert.ok(!allowed(name), name);
  });

  it("that cannot be read allows nothing", () => {
    assert.notEqual(problem(["nonsense"], [], "/a.B/C", "10.0.0.1:1"), undefined);
  });

  it("names methods in one spelling", () => {
    assert.equal(normalMethod("a.B/C"), "/a.B/C");
    assert.equal(normalMethod("/a.B/*"), "/a.B/*");
    assert.equal(normalMethod("POST /oauth/introspect"), "POST /oauth/introspect");
    for (const text of ["", "a.B", "/a.B/C/D", "*", "/*", "get /x", "/a.B/C?x=1"])
      assert.equal(normalMethod(text), undefined, text);
  });

  it("is within another one only if that allows all that it does", () => {
    const within = (a: readonly string[], b: readonly string[]) =>
      withinRestrictions({ addressRanges: a, methods: [] }, { addressRanges: b, methods: [] });
    assert.ok(within(["10.1.0.0/16"], ["10.0.0.0/8"]) && within(["10.1.0.0/16"], []));
    assert.ok(
      !within([], ["10.0.0.0/8"]) &&
        !within(["10.0.0.0/7"], ["10.0.0.0/8"]) &&
        !within(["::/0"], ["0.0.0.0/0"]),
    );
    const methods = (a: readonly string[], b: readonly string[]) =>
      withinRestrictions({ addressRanges: [], methods: a }, { addressRanges: [], methods: b });
    assert.ok(methods(["/a.B/C"], ["/a.B/*"]) && methods(["/a.B/*"], ["/a.B/*"]));
    assert.ok(
      !methods([], ["/a.B/*"]) && !methods(["/a.B/*"], ["/a.B/C"]) && !methods(["/a.C/D"], ["/a.B/*"]),
    );
  });
});
