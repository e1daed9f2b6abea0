import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { ClientError } from "./client-error.ts";
import type { Credential } from "./credential.ts";
import { newStreamId, StreamRenewer } from "./stream-renewer.ts";

/** Tokens t1, t2, … of ten seconds, of which eight pass before the next one. */
function setup(t: TestContext, answers: readonly (ClientError | undefined)[] = []) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 0 });
  const asked: string[] = [];
  let token = 1;
  const credential: Credential = {
    header: "authorization",
    value: () => `t${token}`,
    async another(refused) {
      if (refused === `t${token}`) token += 1;
      return `t${token}`;
    },
    dueInMs: () => Math.max(token * 8000 - Date.now(), 0),
  };
  const left = [...answers];
  const renewer = new StreamRenewer("id", "t1", {
    credential,
    async renew(id, [header, value]) {
      asked.push(`${id} ${header} ${value}`);
      const failure = left.shift();
      if (failure !== undefined) throw failure;
    },
  });
  const tick = async (ms: number): Promise<void> => {
    t.mock.timers.tick(ms);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  return { renewer, asked, tick };
}

const shown = (token: string): string => `id authorization ${token}`;

describe("a stream's renewer", () => {
  it("shows each token that follows another, until it is stopped", async (t) => {
    const { renewer, asked, tick } = setup(t);
    await tick(7999);
    assert.deepEqual(asked, []);
    await tick(1);
    await tick(8000);
    assert.deepEqual(asked, [shown("t2"), shown("t3")]);
    renewer.stop();
    await tick(80_000);
    assert.equal(asked.length, 2);
  });

  it("asks again, less and less often, where another node was asked or nobody answered", async (t) => {
    const elsewhere = new ClientError(5, "No such stream of this caller's is open on this node");
    const { renewer, asked, tick } = setup(t, [elsewhere, new ClientError(14, "away"), elsewhere]);
    await tick(8000);
    for (const [pause, count] of [
      [99, 1],
      [1, 2],
      [199, 2],
      [1, 3],
      [400, 4],
    ] as const) {
      await tick(pause);
      assert.equal(asked.length, count);
    }
    assert.deepEqual([...new Set(asked)], [shown("t2")]);
    await tick(8000);
    assert.equal(asked.at(-1), shown("t3"));
    renewer.stop();
  });

  it("gets yet another token where the server takes that one for an old one", async (t) => {
    const { renewer, asked, tick } = setup(t, [new ClientError(16, "Token expired", "TOKEN_EXPIRED")]);
    await tick(8000);
    await tick(100);
    assert.deepEqual(asked, [shown("t2"), shown("t3")]);
    renewer.stop();
  });

  it("gives up where the server knows nothing of it, or nobody is logged in", async (t) => {
    for (const code of [12, 16]) {
      const { asked, tick } = setup(t, [new ClientError(code, "no")]);
      await tick(8000);
      await tick(80_000);
      assert.equal(asked.length, 1, String(code));
      t.mock.timers.reset();
    }
  });

  it("names streams so that nobody guesses it", () => {
    const names = new Set(Array.from({ length: 1000 }, newStreamId));
    assert.equal(names.size, 1000);
    for (const name of names) assert.match(name, /^[A-Za-z0-9_-]{24}$/);
  });
});
