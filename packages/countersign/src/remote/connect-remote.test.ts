import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import { Backoff } from "./backoff.ts";
import { connectRemote, type RemoteOptions } from "./connect-remote.ts";

// With a server: conformance/remote.test.ts.

const options: RemoteOptions = { address: "127.0.0.1:1", key: "cs_dev_x", http: "http://127.0.0.1:1" };

describe("connectRemote()", () => {
  it("refuses options that make no sense", () => {
    for (const wrong of [
      { address: "auth.example.com" },
      { key: "" },
      { key: "two words" },
      { http: "http://auth.example.com" },
      { http: "ftp://127.0.0.1" },
      { staleAfterSeconds: -1 },
      { staleAfterSeconds: Number.NaN },
      { timeoutMs: 0 },
    ]) {
      assert.throws(() => connectRemote({ ...options, ...wrong }), TypeError, JSON.stringify(wrong));
    }
  });

  it("goes with its own revocations and roles only: with others, nothing would ever be revoked", async () => {
    const remote = connectRemote(options);
    const { revocations, roles } = remote;
    const make = (parts: object) =>
      createAuth<Principal>({ authenticators: [remote.apiKey(), remote.jwt()], policy: [], ...parts });
    for (const parts of [{}, { revocations }, { roles }, { roles, revocations: createRevocations() }])
      assert.throws(() => make(parts), /`revocations` and `roles`/);
    make({ revocations, roles });
    await remote.close();
  });

  it("refuses everything until it knows what is revoked, and says so", async () => {
    const errors: string[] = [];
    const remote = connectRemote({ ...options, onError: ({ message }) => errors.push(message) });
    assert.equal(remote.state, "connecting");
    assert.equal(remote.revocations.check({}, remote.revocations.version), "unavailable");
    await assert.rejects(remote.ready(50), { name: "RemoteUnavailable" });
    await remote.close();
    assert.equal(errors.join().includes(options.key), false);
  });

  it("needs an HTTP address for tokens", async () => {
    const remote = connectRemote({ address: options.address, key: options.key });
    assert.throws(() => remote.jwt(), /http/);
    await remote.close();
  });
});

describe("pauses between attempts", () => {
  it("double up to the longest, and are not the same for all", () => {
    const [short, long] = [new Backoff(3000, () => 0), new Backoff(3000, () => 1)];
    const pauses = (backoff: Backoff) => Array.from({ length: 7 }, () => backoff.next());
    assert.deepEqual(pauses(long), [100, 200, 400, 800, 1600, 3000, 3000]);
    assert.deepEqual(pauses(short), [50, 100, 200, 400, 800, 1500, 1500]);
    long.reset();
    assert.equal(long.next(), 100);
  });
});
