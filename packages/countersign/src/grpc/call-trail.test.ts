import assert from "node:assert/strict";
import { sensitiveHeaders } from "node:http2";
import { test } from "node:test";
import { Metadata, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { fakeCall } from "../core/fakes.suite.ts";
import { FollowedCall } from "../core/followed-call.ts";
import { CallTrail } from "./call-trail.ts";

function trail(requestId: string): CallTrail<unknown> {
  const call = { ...fakeCall("/a.B/C"), requestId };
  const followed = new FollowedCall(call, {
    rules: { find: () => undefined },
    now: Date.now,
    tell: () => {},
  });
  return new CallTrail(
    followed,
    { requestStream: false, responseStream: false },
    {} as ServerInterceptingCallInterface,
  );
}

test("a handler may send the same metadata for all of its calls: each has its own id, and nothing piles up", () => {
  const metadata = new Metadata();
  metadata.set("x-shared", "yes");
  for (let n = 0; n < 50_000; n++) trail(`id-${n}`).headers(metadata);
  const headers = metadata.toHttp2Headers();
  assert.deepEqual(
    { ...headers },
    {
      "x-shared": "yes",
      "x-request-id": "id-49999",
      [sensitiveHeaders]: ["x-request-id"],
    },
  );
});
