import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Stream, connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { compressionGzip } from "@connectrpc/connect-node";
import { type Echo, type Line, repeating, startEcho } from "./echo.suite.ts";

/** How a message travels in each protocol. */
interface Form {
  readonly type: string;
  readonly framed: boolean;
  readonly encoding: string;
}
const forms: Readonly<Record<string, Form>> = {
  "Connect JSON": { type: "application/json", framed: false, encoding: "content-encoding" },
  "Connect binary": { type: "application/proto", framed: false, encoding: "content-encoding" },
  "Connect stream": { type: "application/connect+json", framed: true, encoding: "connect-content-encoding" },
  "gRPC-Web JSON": { type: "application/grpc-web+json", framed: true, encoding: "grpc-encoding" },
  "gRPC-Web": { type: "application/grpc-web+proto", framed: true, encoding: "grpc-encoding" },
  "gRPC JSON": { type: "application/grpc+json", framed: true, encoding: "grpc-encoding" },
  gRPC: { type: "application/grpc+proto", framed: true, encoding: "grpc-encoding" },
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Headers, trailers and body in one. */
  readonly all: string;
  readonly rstCode: number | undefined;
}

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  /** Undefined: the sending side stays open. */
  readonly body?: Uint8Array;
}

/** One request over HTTP/2, by hand. */
async function ask(
  server: Echo,
  { path = "/t.Echo/Unary", method = "POST", headers = [], body }: Sent,
): Promise<Answer> {
  const session = connectHttp2(server.http2, { strictSingleValueFields: false } as never);
  session.on("error", () => {});
  const pseudo = [
    ":method",
    method,
    ":path",
    path,
    ":scheme",
    "http",
    ":authority",
    "localhost",
    "te",
    "trailers",
  ];
  const stream = session.request([...pseudo, ...headers.flat()] as never, { endStream: false });
  try {
    return await answerOf(stream, body);
  } finally {
    session.destroy();
  }
}

async function answerOf(stream: ClientHttp2Stream, body: Uint8Array | undefined): Promise<Answer> {
  let headers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on("response", (received) => (headers = { ...headers, ...received }));
  stream.on("trailers", (received) => (headers = { ...headers, ...received }));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  if (body !== undefined) stream.end(body);
  await once(stream, "close", { signal: AbortSignal.timeout(5000) });
  const all = (JSON.stringify(headers) + Buffer.concat(chunks).toString()).replace(
    /(%[0-7][0-9A-F])+/g,
    (encoded) => decodeURIComponent(encoded),
  );
  return { status: Number(headers[":status"] ?? 0), headers, all, rstCode: stream.rstCode };
}

function framed(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Counts what is inflated. */
function countingGzip() {
  const count = { inflated: 0 };
  const gzip = {
    ...compressionGzip,
    decompress(bytes: Uint8Array, readMaxBytes: number) {
      count.inflated++;
      return compressionGzip.decompress(bytes, readMaxBytes);
    },
  };
  return { count, gzip };
}

describe("SECURITY: nothing of a refused body is looked at", () => {
  const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));

  for (const [name, { type, framed: inFrames, encoding }] of Object.entries(forms)) {
    const path = name === "Connect stream" ? "/t.Echo/Download" : "/t.Echo/Unary";
    const headers = [
      ["content-type", type],
      [encoding, "gzip"],
    ] as const;

    it(`${name}: 40 MB that are 40 kB when compressed stay compressed, and are too much for anyone`, async () => {
      const { count, gzip } = countingGzip();
      let calls = 0;
      const handlers = { ...repeating, unary: () => void calls++, download: () => void calls++ };
      await using server = await startEcho({
        handlers,
        adapter: { acceptCompression: [gzip], readMaxBytes: 65_536 },
      });
      const body = inFrames ? framed(bomb, 1) : bomb;
      const before = process.memoryUsage();
      const refused = await ask(server, { path, headers, body });
      assert.match(refused.all, /Authentication required/);
      assert.equal(count.inflated, 0);
      const admitted = await ask(server, { path, headers: [...headers, ["x-user", "ada"]], body });
      assert.match(admitted.all, /larger than configured|resource_exhausted|grpc-status\W+8/);
      const { arrayBuffers, external } = process.memoryUsage();
      assert.ok(arrayBuffers + external - before.arrayBuffers - before.external < 8 * 1024 * 1024);
      assert.equal(calls, 0);
    });

    it(`${name}: an answer comes before the body does, and ends the request`, async () => {
      await using server = await startEcho({});
      const { all, rstCode } = await ask(server, { path, headers: [["content-type", type]] });
      assert.match(all, /Authentication required/);
      assert.equal(rstCode, 0);
    });

    it(`${name}: bytes that are no message are the caller's mistake only once the caller is known`, async () => {
      await using server = await startEcho({});
      const bytes = Buffer.from([0xff, 0xff, 0x00]);
      const body = inFrames ? framed(bytes) : bytes;
      const refused = await ask(server, { path, headers: [["content-type", type]], body });
      assert.match(refused.all, /Authentication required/);
    });
  }
});

describe("SECURITY: what a parser could not read is told to nobody", () => {
  const jsonForms = Object.entries(forms).filter(([, { type }]) => type.endsWith("json"));
  const secrets = [
    '{"say":["hunter2"]}',
    '{"say":"hunter2"',
    '{"count":"hunter2"}',
    '{"say":{"hunter2":1}}',
    '["hunter2"]',
    '"hunter2"',
    "null",
    "\xff\xfe hunter2",
  ];
  for (const [name, { type, framed: inFrames }] of jsonForms) {
    const paths =
      name === "Connect stream" ? ["/t.Echo/Download", "/t.Echo/Upload", "/t.Echo/Chat"] : ["/t.Echo/Unary"];
    it(name, async () => {
      await using server = await startEcho({});
      const headers = [
        ["content-type", type],
        ["x-user", "ada"],
      ] as const;
      for (const path of paths) {
        for (const secret of secrets) {
          const bytes = Buffer.from(secret, "latin1");
          const { all } = await ask(server, { path, headers, body: inFrames ? framed(bytes) : bytes });
          assert.match(all, /The body is not a Line; its fields are: say, said_by, count/, secret);
          assert.ok(!all.includes("hunter2"), all);
        }
      }
      assert.deepEqual(server.failures, []);
    });
  }

  it("a field that is not known is left out, or refused where a server wants that", async () => {
    const body = Buffer.from('{"say":"hello","hunter2":1}');
    const headers = [
      ["content-type", "application/json"],
      ["x-user", "ada"],
    ] as const;
    await using lenient = await startEcho({});
    assert.equal((await ask(lenient, { headers, body })).status, 200);
    await using strict = await startEcho({ adapter: { jsonOptions: { ignoreUnknownFields: false } } });
    const refused = await ask(strict, { headers, body });
    assert.equal(refused.status, 400);
    assert.ok(!refused.all.includes("hunter2"));
  });
});

describe("SECURITY: no method, path or query is a way around", () => {
  const json = ["content-type", "application/json"] as const;
  const body = Buffer.from('{"say":"x"}');

  it("only POST, and GET for what has no side effects, reach anything", async () => {
    let calls = 0;
    const handlers = { ...repeating, unary: () => void calls++, read: () => void calls++ };
    await using server = await startEcho({ handlers });
    for (const method of ["OPTIONS", "GET", "HEAD", "PUT", "DELETE", "TRACE", "PATCH"]) {
      for (const headers of [
        [json],
        [json, ["x-user", "ada"]],
        [json, ["x-http-method-override", "POST"]],
      ] as const) {
        const { status, headers: received } = await ask(server, { method, headers, body });
        assert.deepEqual([status, received["allow"]], [405, "POST"], method);
      }
      if (method === "GET") continue;
      assert.equal((await ask(server, { path: "/t.Echo/Read", method, headers: [json], body })).status, 405);
    }
    assert.equal(calls, 0);
  });

  it("GET is decided like POST, before its message is read", async () => {
    await using server = await startEcho({});
    const get = (query: string, ...headers: (readonly [string, string])[]): Promise<Answer> =>
      ask(server, {
        method: "GET",
        path: `/t.Echo/Read?connect=v1&encoding=json&message=${query}`,
        headers,
        body: Buffer.alloc(0),
      });
    const good = encodeURIComponent('{"say":"hello"}');
    assert.match((await get(good, ["x-user", "ada"])).all, /"say":"hello","saidBy":"ada"/);
    for (const query of [good, "broken"]) {
      const { status, all } = await get(query);
      assert.equal(status, 401);
      assert.match(all, /CREDENTIALS_MISSING/);
    }
    assert.equal((await get(good, ["x-user", "bad"])).status, 401);
    assert.equal((await get("broken", ["x-user", "ada"])).status, 400);
  });

  it("a query changes nothing, and is no credential", async () => {
    await using server = await startEcho({});
    for (const query of ["?", "?x=1", "?x-user=ada", "?/t.Echo/Read", "?a?b"]) {
      assert.equal((await ask(server, { path: `/t.Echo/Unary${query}`, headers: [json], body })).status, 401);
      const headers = [json, ["x-user", "ada"]] as const;
      assert.equal((await ask(server, { path: `/t.Echo/Unary${query}`, headers, body })).status, 200);
    }
  });

  it("other spellings of a path are other paths", async () => {
    await using server = await startEcho({ rule: "optional" });
    for (const path of [
      "//t.Echo/Unary",
      "/t.Echo/Unary/",
      "/t.Echo/%55nary",
      "/t.echo/unary",
      "/t.Echo//Unary",
      "/x/../t.Echo/Unary",
      "/t.Echo/Unary;x",
      "/t.Echo/Unary%3Fx",
      "/t.Echo/Nope",
      "/",
    ]) {
      assert.equal((await ask(server, { path, headers: [json], body })).status, 404, path);
    }
  });

  it("what is no media type of a protocol's is refused", async () => {
    await using server = await startEcho({ rule: "optional" });
    for (const type of [
      "text/plain",
      "application/grpc-web-text",
      "application/x-www-form-urlencoded",
      "application/grpcfoo",
      "application/xml",
    ]) {
      assert.equal((await ask(server, { headers: [["content-type", type]], body })).status, 415, type);
    }
  });
});

describe("SECURITY: two credentials are none", () => {
  for (const [name, { type, framed: inFrames }] of Object.entries(forms)) {
    it(name, async () => {
      await using server = await startEcho({ rule: "optional" });
      const path = name === "Connect stream" ? "/t.Echo/Download" : "/t.Echo/Unary";
      const body = inFrames ? framed(Buffer.from("{}")) : Buffer.from("{}");
      for (const [first, second] of [
        ["ada", "eve"],
        ["ada", "ada"],
        ["ada", "bad"],
        ["bad", "ada"],
      ] as const) {
        const headers = [
          ["content-type", type],
          ["x-user", first],
          ["x-user", second],
        ] as const;
        assert.match((await ask(server, { path, headers, body })).all, /More than one credential/);
      }
    });
  }

  it("over HTTP/1.1 too, where Node keeps the first of two and says nothing", async () => {
    const { fakeAuthenticator } = await import("../core/fakes.suite.ts");
    const never = fakeAuthenticator(() => assert.fail("it was looked at"), { header: "authorization" });
    await using server = await startEcho({ auth: { authenticators: [never] } });
    const answer = await rawHttp(
      server,
      [
        "POST /t.Echo/Unary HTTP/1.1",
        "Host: x",
        "Authorization: Bearer good",
        "authorization: Bearer bad",
        "Content-Type: application/json",
        "Content-Length: 2",
      ],
      "{}",
    );
    assert.match(answer, /^HTTP\/1\.1 401 .*CREDENTIALS_AMBIGUOUS/s);
  });
});

/** Sends lines over HTTP/1.1 as they are, and reads the first answer. */
async function rawHttp(server: Echo, lines: readonly string[], body = ""): Promise<string> {
  const socket = connect(Number(new URL(server.http).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  try {
    const [first] = (await once(socket, "data", { signal: AbortSignal.timeout(5000) })) as [Buffer];
    return first.toString();
  } finally {
    socket.destroy();
  }
}

describe("SECURITY: requests that are none do not end the process", () => {
  const good = ["x-user: ada", "content-type: application/json", "content-length: 2"];
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["a Host that is no authority", ["POST /t.Echo/Unary HTTP/1.1", "host: [", ...good], /^HTTP\/1\.1 400 /],
    ["no Host, in HTTP/1.0", ["POST /t.Echo/Unary HTTP/1.0", ...good], /^HTTP\/1\.1 400 /],
    ["two Hosts", ["POST /t.Echo/Unary HTTP/1.1", "host: a", "host: b", ...good], /^HTTP\/1\.1 400 /],
    [
      "no authority in an absolute target",
      ["POST http://[/t.Echo/Unary HTTP/1.1", "host: a", ...good],
      /^HTTP\/1\.1 400 /,
    ],
    ["an asterisk", ["OPTIONS * HTTP/1.1", "host: a"], /^HTTP\/1\.1 400 /],
  ];
  for (const [name, lines, expected] of cases) {
    it(name, async () => {
      await using server = await startEcho({});
      assert.match(await rawHttp(server, lines, "{}"), expected);
      assert.equal((await server.call("Connect JSON", "unary", { "x-user": "ada" })).code, 0);
    });
  }

  it("contextValues that throw", async () => {
    const contextValues = (): never => {
      throw new Error("of the application's");
    };
    await using server = await startEcho({ adapter: { contextValues } });
    assert.equal((await server.call("Connect JSON over HTTP/1.1", "unary", { "x-user": "ada" })).code, 13);
    assert.equal(server.failures.length, 1);
  });
});

it("too long a body over HTTP/1.1 is refused, and the caller hears of it", async () => {
  await using server = await startEcho({ adapter: { readMaxBytes: 65_536 } });
  const send = (bytes: number, init: object = {}): Promise<Response> =>
    fetch(`${server.http}/t.Echo/Unary`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-user": "ada" },
      body: JSON.stringify({ say: "x".repeat(bytes) } satisfies Partial<Line>),
      ...init,
    });
  assert.equal((await send(65_000)).status, 200);
  for (const bytes of [70_000, 10_000_000]) {
    const answer = await send(bytes);
    assert.deepEqual(
      [answer.status, ((await answer.json()) as { code: string }).code],
      [429, "resource_exhausted"],
    );
  }
  const body = new Blob(["x".repeat(3_000_000)]).stream();
  assert.equal((await send(0, { body, duplex: "half" })).status, 429);
});
