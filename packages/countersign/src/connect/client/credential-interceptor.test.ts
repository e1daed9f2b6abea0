import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createClient, createRouterTransport, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ClientError } from "../../client/client-error.ts";
import { apiKey, type Credential } from "../../client/credential.ts";
import { staleTokens } from "../../client/stale-token.suite.ts";
import {
  call,
  type Door,
  doorNames,
  doors,
  type Echo,
  echo,
  type Kind,
  kindsOf,
  type Line,
  startEcho,
  until,
} from "../echo.suite.ts";
import { createAuthenticatedTransport } from "./authenticated-transport.ts";
import { credentialInterceptor } from "./credential-interceptor.ts";
import { openSession } from "./session-calls.ts";

type Tokens = ReturnType<typeof staleTokens>;

const started = (tokens: Tokens): Promise<Echo> =>
  startEcho({ auth: { authenticators: [tokens.authenticator] } });

function transportOf(server: Echo, door: Door, credential: Credential, ...more: Interceptor[]): Transport {
  return doors[door](server, [...more, credentialInterceptor(credential)]);
}

const said: Readonly<Record<Kind, readonly string[]>> = {
  unary: ["hello ada"],
  upload: ["hello ada"],
  download: ["h ada", "e ada", "l ada", "l ada", "o ada"],
  chat: ["hello ada"],
};

for (const door of doorNames) {
  describe(`a client of ${door} with a credential`, () => {
    for (const reason of ["TOKEN_EXPIRED", "TOKEN_REVOKED"] as const) {
      it(`makes each call once more that was refused with ${reason}`, async () => {
        for (const kind of kindsOf(door)) {
          const tokens = staleTokens(reason);
          await using server = await started(tokens);
          const { code, says } = await call(transportOf(server, door, tokens.credential), kind);
          assert.deepEqual([code, says, tokens.state.seen], [0, said[kind], ["t1", "t2"]], kind);
        }
      });
    }

    it("tries once more and no more, and nothing more for another reason", async () => {
      const tokens = staleTokens();
      tokens.state.good = 99;
      await using server = await started(tokens);
      for (const kind of kindsOf(door)) {
        tokens.state.seen.length = 0;
        const { reason } = await call(transportOf(server, door, tokens.credential), kind);
        assert.deepEqual([reason, tokens.state.seen.length], ["TOKEN_EXPIRED", 2], kind);
      }
      const others = staleTokens("TOKEN_INVALID");
      await using other = await started(others);
      for (const kind of kindsOf(door)) {
        others.state.seen.length = 0;
        const { reason } = await call(transportOf(other, door, others.credential), kind);
        assert.deepEqual([reason, others.state.seen.length], ["TOKEN_INVALID", 1], kind);
      }
    });

    // Two doors are enough: one of HTTP/1.1, one of HTTP/2.
    if (["Connect JSON", "gRPC"].includes(door))
      it("gets one new token for a hundred calls that were refused at the same time", async () => {
        const tokens = staleTokens();
        await using server = await started(tokens);
        const transport = transportOf(server, door, tokens.credential);
        const outcomes = await Promise.all(Array.from({ length: 100 }, () => call(transport, "unary")));
        assert.deepEqual([...new Set(outcomes.map(({ code }) => code))], [0]);
        assert.equal(tokens.state.fetched, 2);
      });

    it("begins a stream anew with all that was sent, if that was not much", async () => {
      for (const [count, code] of [
        [16, 0],
        [17, 16],
      ] as const) {
        const tokens = staleTokens();
        const refusal = Promise.withResolvers<void>();
        tokens.refusals.until = refusal.promise;
        await using server = await started(tokens);
        let read = 0;
        const counting: Interceptor = (next) => (request) => {
          if (!request.stream) return next(request);
          const { message } = request;
          async function* counted() {
            for await (const each of message) {
              read += 1;
              // What reads ahead asks for the end as well.
              if (read === count) setTimeout(() => refusal.resolve(), 20);
              yield each;
            }
          }
          return next({ ...request, message: counted() });
        };
        const transport = transportOf(server, door, tokens.credential, counting);
        const texts = Array.from({ length: count }, () => "x");
        const outcome = await call(transport, "upload", { texts });
        if (code === 0) assert.deepEqual(outcome.says, [`${"x".repeat(count)} ada`]);
        assert.equal(outcome.code, code, `${count} of which ${read} were read`);
      }
    });
  });
}

describe("a client of Connect with a credential", () => {
  it("does not begin a stream anew once an answer has come, nor one that was open", async () => {
    const tokens = staleTokens();
    tokens.state.good = 1;
    await using server = await started(tokens);
    const open = Promise.withResolvers<void>();
    const heard: Line[] = [];
    const spoken = call(transportOf(server, "gRPC", tokens.credential), "chat", {
      until: open.promise,
      onLine: (line) => heard.push(line),
    });
    const silent = call(transportOf(server, "Connect JSON", tokens.credential), "chat", {
      texts: [],
      until: open.promise,
    });
    await until(() => heard.length === 1 && tokens.state.seen.length === 2);
    await call(transportOf(server, "gRPC", tokens.credential), "unary");
    tokens.state.good = 2;
    server.revocations.apply({ kind: "user", userId: "ada", state: "changed" });
    for (const { reason } of [await spoken, await silent]) assert.equal(reason, "TOKEN_EXPIRED");
    open.resolve();
    assert.equal(tokens.state.fetched, 1);
  });

  it("tells why the call was refused where nobody is logged in, and UNAVAILABLE where nothing can be renewed now", async () => {
    const tokens = staleTokens();
    await using server = await started(tokens);
    const transport = transportOf(server, "Connect JSON", tokens.credential);
    tokens.state.fail = new ClientError(16, "Not logged in");
    for (const kind of ["unary", "download"])
      assert.equal((await call(transport, kind)).reason, "TOKEN_EXPIRED");
    tokens.state.fail = new ClientError(14, "no connection to 10.0.0.1");
    for (const kind of ["unary", "download"]) {
      const away = await call(transport, kind);
      assert.deepEqual([away.code, away.message], [14, "No credential can be had now"]);
    }
  });

  it("keeps what the caller sends along, and its own credential, and touches neither", async () => {
    const tokens = staleTokens();
    await using server = await started(tokens);
    const client = createClient(echo, transportOf(server, "Connect JSON", tokens.credential)) as unknown as {
      unary(line: object, options: object): Promise<Line>;
    };
    const headers = new Headers({ "x-mine": "kept" });
    await client.unary({ say: "x" }, { headers });
    assert.deepEqual([...headers], [["x-mine", "kept"]]);
    await assert.rejects(client.unary({ say: "x" }, { headers: { "x-token": "t1" } }), { code: 16 });
  });

  it("ends in time, and when its caller leaves, while it waits for a token", async () => {
    const tokens = staleTokens();
    await using server = await started(tokens);
    const credential = { ...tokens.credential, value: () => new Promise<string>(() => {}) };
    const client = createClient(echo, transportOf(server, "Connect JSON", credential)) as unknown as {
      unary(line: object, options: object): Promise<Line>;
    };
    await assert.rejects(client.unary({}, { timeoutMs: 50 }), { code: 4 });
    const leaving = new AbortController();
    const left = client.unary({}, { signal: leaving.signal });
    leaving.abort();
    await assert.rejects(left, { code: 1 });
  });
});

describe("credentials and clear text (CWE-319), with Connect", () => {
  it("are together on this machine alone", async () => {
    const sent: string[] = [];
    const last: Interceptor = () => async (request) => {
      sent.push(request.header.get("x-api-key") ?? "none");
      throw new Error("sent");
    };
    const call = (baseUrl: string): Promise<unknown> => {
      const interceptors = [credentialInterceptor(apiKey("cs_key")), last];
      const client = createClient(
        echo,
        createConnectTransport({ baseUrl, httpVersion: "1.1", interceptors }),
      );
      return (client as unknown as { unary(line: object): Promise<unknown> }).unary({}).then(
        () => 0,
        ({ code }: { code: number }) => code,
      );
    };
    for (const there of [
      "http://127.0.0.1:1",
      "http://localhost:1",
      "http://[::1]:1",
      "https://api.example.com",
    ])
      assert.equal(await call(there), 2, there);
    assert.deepEqual(sent.splice(0), ["cs_key", "cs_key", "cs_key", "cs_key"]);
    for (const there of ["http://api.example.com", "http://10.0.0.1:1", "http://localhost.example.com"])
      assert.equal(await call(there), 9, there);
    assert.deepEqual(sent, []);
  });

  it("are there when an interceptor or a transport is made: a TypeError says what is missing", () => {
    const none = undefined as never;
    const missing = { name: "TypeError", message: /^a credential is missing/ };
    assert.throws(() => credentialInterceptor(none), missing);
    assert.throws(() => createAuthenticatedTransport(none, none), missing);
  });

  it("are together in memory, where nothing is sent", async () => {
    const transport = createRouterTransport(
      (router) =>
        router.service(
          echo as never,
          {
            unary: (_line: unknown, { requestHeader }: { requestHeader: Headers }) => ({
              say: requestHeader.get("x-api-key"),
            }),
          } as never,
        ),
      { transport: { interceptors: [credentialInterceptor(apiKey("cs_key"))] } },
    );
    const client = createClient(echo, transport) as unknown as { unary(line: object): Promise<Line> };
    assert.equal((await client.unary({})).say, "cs_key");
  });

  it("SECURITY: a session sends no password to another machine in clear, nor what it keeps", async () => {
    const sent: string[] = [];
    const last: Interceptor = () => async (request) => {
      sent.push(request.url);
      throw new Error("sent");
    };
    const session = openSession({
      transport: (interceptors) =>
        createConnectTransport({
          baseUrl: "http://auth.example.com",
          httpVersion: "1.1",
          interceptors: [...interceptors, last],
        }),
    });
    await assert.rejects(async () => session.login({ username: "ada", password: "hunter2" }));
    assert.deepEqual(sent, []);
  });
});
