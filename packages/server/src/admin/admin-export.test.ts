import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as ask, createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createAuth } from "countersign";
import { staticApiKey } from "countersign/api-key";
import { createSeal, LogService } from "countersign/service";
import { served } from "../served-service.ts";
import { AdminExport } from "./admin-export.ts";

const key = "cs-export-test-key-0123456789abcdef";
const downloader = { sessionId: "s1", credential: ["x-api-key", key] as const };
const clock = { now: Date.parse("2026-11-22T12:00:00Z") };
const line = `${"x".repeat(1023)}\n`;
let made = 0;
let ended = 0;

/** A log without an end: what is made of it tells how much was asked for. */
async function* endless() {
  try {
    for (;;) {
      made += 1;
      yield { data: line.repeat(64) };
    }
  } finally {
    ended += 1;
  }
}

const server = createServer((request, response) => {
  const [, name = "", session = "s1"] = request.url?.split("/") ?? [];
  const who = { ...downloader, sessionId: session };
  const done = request.method === "GET" ? exports.save : exports.grant;
  void done.call(exports, name, who, request, response);
});
let exports: AdminExport;
let address: string;

before(async () => {
  const auth = createAuth({
    authenticators: [staticApiKey({ keys: [{ key, name: "downloads" }] })],
    mode: "required",
    policy: [],
  });
  auth.serve([`/${LogService.typeName}/ExportRequests`]);
  const handlers = { exportRequests: endless } as never;
  exports = new AdminExport({
    ...{ auth, services: [served(LogService, handlers)], seal: createSeal(randomBytes(32)) },
    now: () => clock.now,
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function grant(name: string, body: unknown, session = "s1"): Promise<[number | undefined, string]> {
  const sent = ask(`${address}/${name}/${session}`, { method: "POST" });
  sent.end(JSON.stringify(body));
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const text = (await answer.toArray()).join("");
  return [answer.statusCode, (JSON.parse(text) as { path?: string }).path?.split("/").at(-1) ?? text];
}

async function open(ticket: string, session = "s1"): Promise<IncomingMessage> {
  const [answer] = (await once(get(`${address}/${ticket}/${session}`), "response")) as [IncomingMessage];
  return answer;
}

test("a file is made as fast as it is taken, and no faster; it ends with its reader", async () => {
  const [status, ticket] = await grant("requests", { status: "error" });
  assert.equal(status, 200);
  const answer = await open(ticket);
  assert.equal(answer.headers["content-disposition"], 'attachment; filename="requests-2026-11-22.csv"');
  answer.pause();
  // What stands still is made of what the connection holds, some megabytes at most, and of nothing else.
  let before = -1;
  for (let still = 0; still < 20; still = made === before ? still + 1 : 0) {
    before = made;
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(made < 1000, `${made} pieces of 64 KiB for a reader that reads nothing`);
  }
  let read = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    read += chunk.length;
    if (read > 200 * 65_536) break;
  }
  assert.ok(made > 200);
  const deadline = Date.now() + 5_000;
  while (ended === 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(ended, 1, "what makes it has ended");
});

test("a ticket is of one session and of one minute, and nobody makes it up", async () => {
  const [, ticket] = await grant("requests", {});
  assert.equal((await open(ticket, "s2")).statusCode, 404);
  assert.equal((await open(`${ticket.slice(0, -2)}AA`)).statusCode, 404);
  clock.now += 61_000;
  assert.equal((await open(ticket)).statusCode, 404);
});

test("what is no list, and what is no filter of it, is refused at once", async () => {
  assert.equal((await grant("users", {}))[0], 404);
  assert.equal((await grant("__proto__", {}))[0], 404);
  assert.deepEqual((await grant("requests", { no_such_field: 1 }))[0], 400);
  assert.deepEqual((await grant("requests", { text: "x".repeat(9000) }))[0], 400);
});

test("who sends more than a filter is told so while they are at it", async () => {
  const sent = ask(`${address}/requests/s1`, { method: "POST" });
  sent.on("error", () => {});
  const answered = once(sent, "response", { signal: AbortSignal.timeout(5_000) });
  // Without a length, and without an end.
  sent.write("x".repeat(20_000));
  const [answer] = (await answered) as [IncomingMessage];
  assert.equal(answer.statusCode, 400);
  sent.destroy();
});
