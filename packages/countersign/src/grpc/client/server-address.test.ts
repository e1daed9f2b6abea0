import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readServerAddress } from "./server-address.ts";

const plain = (address: string, tls?: object): boolean =>
  !readServerAddress(address, tls).credentials._isSecure();

describe("the address of a server", () => {
  it("is in clear on this machine alone (CWE-319)", () => {
    for (const local of ["127.0.0.1:50051", "127.8.9.10:1", "localhost:50051", "[::1]:50051"]) {
      assert.equal(plain(local), true, local);
      assert.equal(plain(local, {}), false, local);
    }
    for (const other of [
      "10.0.0.1:50051",
      "auth.example.com:443",
      "[fe80::1]:50051",
      "127.0.0.1.example.com:80",
      "localhost.example.com:80",
      "0.0.0.0:50051",
      "128.0.0.1:1",
      // Names, and whoever answers for them is elsewhere.
      ...["127.999.1.1:1", "127.0.0.256:1", "127.0.0.01:1", "127.1:1"],
    ]) {
      assert.equal(plain(other), false, other);
    }
  });

  it("is a host and a port, and nothing else", () => {
    for (const wrong of [
      "",
      "localhost",
      "localhost:0",
      "localhost:65536",
      "http://localhost:1",
      "dns:///a:1",
      ...["unix:", "unix:/", "unix://run/x", "unix-abstract:x", "UNIX:/run/x"],
      "[::1:1",
      "[localhost]:1",
      "a:1,b:2",
      "user@host:1",
    ]) {
      assert.throws(() => readServerAddress(wrong, undefined), TypeError, wrong);
    }
  });

  it("is a socket's file, which is this machine", () => {
    for (const local of ["unix:/run/x.sock", "unix:///run/x.sock", "unix:x.sock"]) {
      assert.equal(plain(local), true, local);
      assert.equal(plain(local, {}), false, local);
      assert.equal(readServerAddress(local, undefined).target, local);
    }
  });

  it("takes a certificate together with its key, and authorities that are some", () => {
    assert.throws(() => readServerAddress("a:1", { certificate: "x" }), /go together/);
    assert.throws(() => readServerAddress("a:1", { certificate: "x", key: "y" }), /tls cannot be used/);
  });
});
