import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Client,
  type ClientOptions,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  ServerCredentials,
} from "@grpc/grpc-js";
import { ClientError } from "../../client/client-error.ts";
import { apiKey, type Credential } from "../../client/credential.ts";
import { staleTokens } from "../../client/stale-token.suite.ts";
import {
  type Echo,
  type EchoClient,
  echo,
  errorInfo,
  type Kind,
  kinds,
  type Message,
  startEcho,
  streamed,
  toMetadata,
} from "../echo.suite.ts";
import { createApiKeyChannel, createAuthenticatedChannel } from "./authenticated-channel.ts";
import { credentialInterceptor, isThisMachine } from "./credential-interceptor.ts";

type Handlers = Parameters<Echo["server"]["addService"]>[1];

/** Says what it hears. */
const repeating = (): Handlers =>
  ({
    Unary: (call: never, done: (error: null, answer: Message) => void) => {
      done(null, (call as { request: Message }).request);
    },
    Upload: (call: AsyncIterable<Message>, done: (error: null, answer: Message) => void) =>
      void (async () => {
        let all = "";
        for await (const { say } of call) all += say;
        done(null, { say: all });
      })(),
    Download: (call: { request: Message; write(message: Message): void; end(): void }) => {
      for (const letter of call.request.say ?? "") call.write({ say: letter });
      call.end();
    },
    Chat: (call: {
      on(event: string, hear: (message: Message) => void): void;
      write(m: Message): void;
      end(): void;
    }) => {
      call.on("data", (message) => call.write(message));
      call.on("end", () => call.end());
    },
  }) as unknown as Handlers;

async function started(tokens: ReturnType<typeof staleTokens>, implementation = repeating) {
  const server = await startEcho({
    auth: { authenticators: [tokens.authenticator] },
    implementation,
  });
  return { server, client: clientOf(server, tokens.credential) };
}

/** The suite's client, with an interceptor. */
function clientOf(
  { client, port }: Echo,
  credential: Credential,
  options: Partial<ClientOptions> = {},
): EchoClient {
  const Stub = makeGenericClientConstructor(echo, "Echo");
  const stub = new Stub(`127.0.0.1:${port}`, credentials.createInsecure(), {
    interceptors: [credentialInterceptor(credential)],
    ...options,
  });
  const own = Object.assign(Object.create(Object.getPrototypeOf(client)), { stub });
  return own as EchoClient;
}

const said: Readonly<Record<Kind, readonly string[]>> = {
  Unary: ["hello"],
  Upload: ["hello"],
  Download: ["h", "e", "l", "l", "o"],
  Chat: ["hello"],
};

describe("a client of grpc-js with a credential", () => {
  for (const reason of ["TOKEN_EXPIRED", "TOKEN_REVOKED"] as const) {
    for (const kind of kinds) {
      it(`makes a call once more that was refused with ${reason}: ${kind}`, async () => {
        const tokens = staleTokens(reason);
        const { server, client } = await started(tokens);
        await using _server = server;
        const metadata = { "x-mine": "kept" };
        const { code, messages } = await client.call(kind, metadata);
        client.close();
        assert.deepEqual([code, messages.map(({ say }) => say)], [0, said[kind]]);
        assert.deepEqual(tokens.state.seen, ["t1", "t2"]);
      });
    }
  }

  it("gets one new token for a hundred calls that were refused at the same time", async () => {
    const tokens = staleTokens();
    const { server, client } = await started(tokens);
    await using _server = server;
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => client.call("Unary", {})));
    client.close();
    assert.deepEqual([...new Set(outcomes.map(({ code }) => code))], [0]);
    assert.equal(tokens.state.fetched, 2);
  });

  it("tries once more and no more", async () => {
    const tokens = staleTokens();
    tokens.state.good = 99;
    const { server, client } = await started(tokens);
    await using _server = server;
    for (const kind of kinds) {
      tokens.state.seen.length = 0;
      const outcome = await client.call(kind, {});
      assert.deepEqual([outcome.code, errorInfo(outcome)?.reason], [16, "TOKEN_EXPIRED"]);
      assert.equal(tokens.state.seen.length, 2, kind);
    }
    client.close();
  });

  it("tries nothing more for another reason", async () => {
    for (const reason of ["TOKEN_INVALID", "API_KEY_EXPIRED", "USER_DISABLED"] as const) {
      const tokens = staleTokens(reason);
      const { server, client } = await started(tokens);
      await using _server = server;
      const outcome = await client.call("Chat", {});
      client.close();
      assert.deepEqual([errorInfo(outcome)?.reason, tokens.state.seen], [reason, ["t1"]]);
    }
  });

  it("tells why the call was refused where nobody is logged in, and UNAVAILABLE where nothing can be renewed now", async () => {
    const tokens = staleTokens();
    const { server, client } = await started(tokens);
    await using _server = server;
    tokens.state.fail = new ClientError(16, "Not logged in");
    assert.equal(errorInfo(await client.call("Unary", {}))?.reason, "TOKEN_EXPIRED");
    tokens.state.fail = new ClientError(14, "no connection to 10.0.0.1");
    const away = await client.call("Unary", {});
    assert.deepEqual([away.code, away.details], [14, "No credential can be had now"]);
    tokens.keeper.set(undefined);
    for (const kind of kinds) assert.equal((await client.call(kind, {})).code, 14);
    client.close();
  });

  it("keeps what the caller sends along, and its own credential, and touches neither", async () => {
    const tokens = staleTokens();
    const heard: unknown[] = [];
    const { server, client } = await started(
      tokens,
      () =>
        ({
          ...(repeating() as object),
          Unary: (call: { metadata: Metadata; request: Message }, done: (e: null, m: Message) => void) => {
            heard.push(call.metadata.get("x-mine"), call.metadata.get("x-token"));
            done(null, call.request);
          },
        }) as unknown as Handlers,
    );
    await using _server = server;
    const metadata = toMetadata({ "x-mine": "1" });
    metadata.add("x-mine", "2");
    const call = (given: Metadata): Promise<number> =>
      new Promise((resolve) => {
        client.stub.Unary({ say: "x" }, given, (error) => resolve(error?.code ?? 0));
      });
    assert.equal(await call(metadata), 0);
    assert.deepEqual(heard, [["1, 2"], ["t2"]]);
    assert.deepEqual(metadata.getMap(), { "x-mine": "1" });
    assert.equal(await call(toMetadata({ "x-token": "t1" })), 16);
    client.close();
  });

  it("does not begin a stream anew once an answer has come, nor one that was open", async () => {
    const tokens = staleTokens();
    tokens.state.fetched = 1;
    tokens.state.good = 1;
    const { server, client } = await started(tokens);
    await using _server = server;
    const spoken = client.chat({});
    const outcome = streamed(spoken);
    const heard = new Promise<void>((resolve) => spoken.once("data", () => resolve()));
    spoken.write({ say: "hello" });
    await heard;
    const silent = client.chat({});
    const other = streamed(silent);
    while (tokens.state.seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    // Time for the second one's handler to begin.
    await client.call("Unary", {});
    tokens.state.good = 2;
    server.revocations.apply({ kind: "user", userId: "ada", state: "changed" });
    for (const end of [await outcome, await other]) {
      assert.deepEqual([end.code, errorInfo(end)?.reason], [16, "TOKEN_EXPIRED"]);
    }
    assert.equal(tokens.state.fetched, 1);
    client.close();
  });

  it("begins a stream anew with all that was sent, if that was not much", async () => {
    for (const [count, code] of [
      [15, 0],
      [16, 0],
      [17, 16],
    ] as const) {
      const tokens = staleTokens();
      const gate = Promise.withResolvers<void>();
      tokens.refusals.until = gate.promise;
      const { server, client } = await started(tokens);
      await using _server = server;
      const call = client.chat({});
      const outcome = streamed(call);
      for (let index = 0; index < count; index++) {
        await new Promise<void>((resolve) => void call.write({ say: String(index) }, () => resolve()));
      }
      call.end();
      gate.resolve();
      const { messages, code: got } = await outcome;
      client.close();
      assert.equal(got, code);
      if (code === 0) assert.equal(messages.length, count);
    }
  });

  it("ends in time, and when it is cancelled, while it waits for a token", async () => {
    const tokens = staleTokens();
    const { server } = await started(tokens);
    await using _server = server;
    const client = clientOf(server, { ...tokens.credential, value: () => new Promise(() => {}) });
    const began = performance.now();
    const late = await new Promise<number | undefined>((resolve) => {
      client.stub.makeUnaryRequest(
        ...(["/t.Echo/Unary", () => Buffer.alloc(0), () => ({}), {}, new Metadata()] as const),
        { deadline: Date.now() + 50 },
        (error) => resolve(error?.code),
      );
    });
    assert.equal(late, 4);
    assert.ok(performance.now() - began < 2000);
    const chat = client.chat({});
    const outcome = streamed(chat);
    chat.cancel();
    assert.equal((await outcome).code, 1);
    client.close();
  });
});

describe("credentials and clear text (CWE-319)", () => {
  it("are together on this machine alone, whatever the target is called", () => {
    for (const target of [
      ...["dns:127.0.0.1:1", "dns:localhost:50051", "localhost:1", "ipv4:127.0.0.1:1,127.0.0.2:2"],
      ...["ipv6:[::1]:1", "dns:///localhost:1", "dns://8.8.8.8/127.0.0.1:1", "unix:/run/x"],
    ])
      assert.equal(isThisMachine(target), true, target);
    for (const target of [
      ...["dns:api.example.com:443", "dns:10.0.0.1:1", "ipv4:127.0.0.1:1,10.0.0.1:1", "xds:///localhost"],
      ...[
        "dns:localhost.example.com:1",
        // That name server may say anything.
        "dns://8.8.8.8/localhost:1",
        "dns:[fe80::1]:1",
        "",
        "dns:",
        "unixlike.example.com:1",
        "vsock:1:2",
        // grpc-js knows no such thing, and would ask a name server.
        ...["unix-abstract:80", "127.999.1.1:1", "127.0.0.01:1"],
      ],
    ])
      assert.equal(isThisMachine(target), false, target);
  });

  it("fail a call to another machine before anything is sent, unless the channel is said to be secure", async () => {
    const Stub = makeGenericClientConstructor(echo, "Echo");
    // Nobody is there: TEST-NET-1 of RFC 5737.
    const call = (secure: boolean, metadata = new Metadata()): Promise<number | undefined> => {
      const client: Client = new Stub("192.0.2.1:1", credentials.createInsecure(), {
        interceptors: [credentialInterceptor(apiKey("cs_key"), { secure })],
      });
      return new Promise((resolve) => {
        client.makeUnaryRequest(
          ...(["/t.Echo/Unary", () => Buffer.alloc(0), () => ({}), {}, metadata] as const),
          { deadline: Date.now() + 100 },
          (error) => {
            client.close();
            resolve(error?.code);
          },
        );
      });
    };
    assert.equal(await call(false), 9);
    assert.notEqual(await call(true), 9);
    // The caller's own, too.
    assert.equal(await call(false, toMetadata({ "x-api-key": "own" })), 9);
    assert.notEqual(await call(true, toMetadata({ "x-api-key": "own" })), 9);
  });

  it("are TLS for channels to other machines, and with `tls` to this one", () => {
    const secure = (address: string, tls?: object): boolean =>
      createApiKeyChannel(address, "cs_key", { tls }).credentials._isSecure();
    assert.deepEqual(
      [secure("127.0.0.1:1"), secure("api.example.com:443"), secure("127.0.0.1:1", {})],
      [false, true, true],
    );
    assert.throws(() => createAuthenticatedChannel("http://localhost:1", "token"), TypeError);
    assert.ok(ServerCredentials !== undefined);
  });

  it("are there when a channel is made: a TypeError says what is missing", () => {
    const none = undefined as never;
    const there = "127.0.0.1:1";
    assert.throws(() => createApiKeyChannel(there, none), {
      name: "TypeError",
      message: /^an API key is missing/,
    });
    assert.throws(() => createAuthenticatedChannel(there, none), {
      name: "TypeError",
      message: /^a token is missing/,
    });
    for (const wrong of [none, null as never, {} as never, { header: "x" } as never])
      assert.throws(() => credentialInterceptor(wrong), {
        name: "TypeError",
        message: /^a credential is missing/,
      });
  });
});
