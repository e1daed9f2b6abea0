import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { ClientHttp2Session } from "node:http2";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { credentials, Client as GrpcClient, type ServiceError } from "@grpc/grpc-js";
import type { Header } from "./clients/client.ts";
import {
  answerOf,
  framed,
  openSession,
  type RawAnswer,
  type RawRequest,
  send,
  statusIn,
} from "./clients/raw.ts";
import { within } from "./deadline.ts";
import { methodAt } from "./protos.ts";
import { Stage } from "./stage.ts";

// What no well-meaning client sends. Nothing of it gets in, changes anything, ends the program or is logged.

const updateProfile = "/api.users.UserService/UpdateProfile";
const body = framed([methodAt(updateProfile).requestSerialize({ bio: "written by a stranger" })]);
/** Part of every bad value: it must not turn up anywhere. */
const tell = "sEcReTtElL";

let stage: Stage;
let session: ClientHttp2Session;
before(async () => {
  stage = await Stage.set();
});
after(() => stage.clear());

async function request(options: Partial<RawRequest>): Promise<RawAnswer> {
  // A connection each: some of this is reason enough to end one.
  session = await openSession(stage.server.grpc);
  session.on("error", () => {});
  try {
    return await within(
      10_000,
      "an answer",
      answerOf(send(session, { path: updateProfile, body, ...options })),
    );
  } finally {
    session.destroy();
  }
}

function key(): Header {
  return ["x-api-key", stage.cast.keys.alice];
}

interface Bad {
  readonly name: string;
  readonly headers: () => readonly Header[];
  readonly reason: string;
}

const headers: readonly Bad[] = [
  {
    name: "a key with a letter beyond ASCII",
    headers: () => [["x-api-key", `${tell}é`]],
    reason: "CREDENTIALS_MALFORMED",
  },
  {
    name: "a good key and one byte more",
    headers: () => [["x-api-key", `${key()[1]}\xff`]],
    reason: "CREDENTIALS_MALFORMED",
  },
  {
    name: "a key with a tab",
    headers: () => [["x-api-key", `${tell}\t${tell}`]],
    reason: "CREDENTIALS_MALFORMED",
  },
  {
    name: "a token beyond ASCII",
    headers: () => [["authorization", `Bearer ${tell}ü`]],
    reason: "CREDENTIALS_MALFORMED",
  },
  {
    name: "a scheme beyond ASCII",
    headers: () => [["authorization", `Beärer ${tell}`]],
    reason: "CREDENTIALS_MALFORMED",
  },
  {
    name: "a key beyond ASCII beside a good token",
    headers: () => [
      ["x-api-key", `${tell}é`],
      ["authorization", `Bearer ${stage.cast.tokens.admin}`],
    ],
    reason: "CREDENTIALS_AMBIGUOUS",
  },
  { name: "x-api-key three times", headers: () => [key(), key(), key()], reason: "CREDENTIALS_AMBIGUOUS" },
  {
    name: "a hundred keys",
    headers: () => Array.from({ length: 100 }, key),
    reason: "CREDENTIALS_AMBIGUOUS",
  },
  {
    name: "60 kB for a key",
    headers: () => [["x-api-key", tell.repeat(6000)]],
    reason: "CREDENTIALS_MALFORMED",
  },
];

describe("credentials that nobody means well with", () => {
  for (const { name, headers: sent, reason } of headers) {
    it(name, async () => {
      // For an RPC that anyone may call, too: a bad credential is not no credential.
      for (const path of [updateProfile, "/api.users.UserService/GetUser"]) {
        const { code, message, reason: given } = statusIn(await request({ path, headers: sent() }));
        deepEqual({ code, reason: given }, { code: 16, reason }, path);
        ok(!message.includes(tell));
      }
      await stage.nothingChanged(name);
    });
  }
  it("headers of 200 kB end the stream or the connection, not the program", async () => {
    const { reset } = await request({ headers: [["x-api-key", tell.repeat(20_000)]] });
    ok(reset !== undefined);
    await stage.nothingChanged("headers of 200 kB");
  });
  it("2,000 headers end the stream or the connection, not the program", async () => {
    const many = Array.from({ length: 2000 }, (_none, index): Header => [`x-${index}`, tell]);
    const answer = await request({ headers: many });
    ok(answer.reset !== undefined || statusIn(answer).code !== 0);
    await stage.nothingChanged("2,000 headers");
  });
});

describe("requests that are none", () => {
  for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH"]) {
    it(`${method} without a credential is no way around`, async () => {
      const answer = await request({ method });
      ok(
        answer.httpStatus !== 200 || statusIn(answer).code === 16,
        `${answer.httpStatus} ${statusIn(answer).code}`,
      );
      await stage.nothingChanged(method);
    });
  }

  for (const path of [
    "/api.users.UserService/Nope",
    "/api.users.Nobody/GetUser",
    `${updateProfile}/`,
    `/${updateProfile}`,
    `${updateProfile}?x=1`,
    "/api.users.UserService/%55pdateProfile",
    "/api.users.userservice/updateprofile",
    "/",
    `/${"a".repeat(10_000)}`,
  ]) {
    it(`${path.slice(0, 60)} is UNIMPLEMENTED`, async () => {
      for (const sent of [[], [key()]]) {
        const answer = await request({ path, headers: sent });
        if (answer.httpStatus === 200) equal(statusIn(answer).code, 12);
        else ok(answer.reset !== undefined || answer.httpStatus === 404, String(answer.httpStatus));
      }
      await stage.nothingChanged(path);
    });
  }

  it("an unknown method is UNIMPLEMENTED to grpc-js", async () => {
    const client = new GrpcClient(stage.server.grpc, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const error = await new Promise<ServiceError | null>((resolve) =>
      client.makeUnaryRequest("/api.users.UserService/Nope", same, same, Buffer.alloc(0), resolve),
    );
    client.close();
    equal(error?.code, 12);
  });

  for (const contentType of [null, "application/json", "text/plain", "application/x-www-form-urlencoded"]) {
    it(`the content type ${contentType ?? "that is missing"} is refused`, async () => {
      const answer = await request({ contentType });
      ok(answer.httpStatus === 415 || statusIn(answer).code === 16, String(answer.httpStatus));
      await stage.nothingChanged(String(contentType));
    });
  }

  it("a content type that looks like gRPC's is no way around", async () => {
    equal(statusIn(await request({ contentType: "application/grpcfoo" })).code, 16);
    await stage.nothingChanged("application/grpcfoo");
  });
});

describe("bodies that are none", () => {
  const bodies: readonly (readonly [string, Buffer])[] = [
    ["no body", Buffer.alloc(0)],
    ["half a frame", body.subarray(0, 3)],
    ["a frame that promises 4 GB", Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1])],
    ["a frame of 5 MB", framed([Buffer.alloc(5 * 1024 * 1024)])],
    ["bytes that are no message", framed([Buffer.from([0x0a, 0x7f, 0xff])])],
    ["a compressed message without an encoding", compressed(body.subarray(5))],
  ];
  for (const [name, bytes] of bodies) {
    it(`${name}: without a credential nobody looks at it`, async () => {
      const { code, reason } = statusIn(await request({ body: bytes }));
      deepEqual({ code, reason }, { code: 16, reason: "CREDENTIALS_MISSING" });
    });
    it(`${name}: with one it is the caller's mistake`, async () => {
      const answer = await request({ body: bytes, headers: [key()] });
      const { code, message } = statusIn(answer);
      ok(answer.reset !== undefined || code > 0, `${code} ${message}`);
      await stage.nothingChanged(name);
    });
  }

  it("40 MB that are 40 kB when compressed do not come in", async () => {
    const bomb = compressed(Buffer.alloc(40 * 1024 * 1024));
    const gzip: Header = ["grpc-encoding", "gzip"];
    equal(statusIn(await request({ body: bomb, headers: [gzip] })).code, 16);
    equal(statusIn(await request({ body: bomb, headers: [gzip, key()] })).code, 8);
  });
});

function compressed(message: Uint8Array): Buffer {
  const frame = framed([gzipSync(message)]);
  frame[0] = 1;
  return frame;
}

describe("after all that", () => {
  it("the program still serves, and has told nobody what it was sent", async () => {
    const answer = await request({ headers: [key()], body: framed([Buffer.alloc(0)]) });
    equal(statusIn(answer).code, 0);
    const log = stage.server.stderr();
    const secrets = [tell, ...Object.values(stage.cast.keys), ...Object.values(stage.cast.tokens)];
    for (const secret of secrets) ok(!log.includes(secret), "a credential stands on stderr");
    // Whatever is said there is said in lines that a machine can read.
    for (const line of log.split("\n").filter((text) => text.startsWith("{"))) JSON.parse(line);
    match(await (await fetch(`http://${stage.server.http}/readyz`)).text(), /ready/);
  });
});
