import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { Administrator, ids } from "./cast.ts";
import type { Client, ClientCall, ClientKind, Header, Outcome } from "./clients/client.ts";
import { connectGrpc, connectJson, grpcWeb } from "./clients/connect.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { raw } from "./clients/raw.ts";
import { within } from "./deadline.ts";
import { bearer } from "./door.ts";
import { methodAt } from "./protos.ts";
import { developmentSecrets, runProgram, type ServerProcess, startServer } from "./server-process.ts";
import { accessClaims, seconds, sign } from "./tokens.ts";

// Open streams: what they carry, and when they are cut off.

const service = "/api.users.UserService";
/** What the program promises, on the node where the change was made and beside it. */
const promisedMs = 1000;
/** More than any client waits for by itself, so that what ends the call is the server. */
const patience = 60_000;

let server: ServerProcess;
let administrator: Administrator;
before(async () => {
  // A token's end is its `exp` and not five seconds later.
  server = await startServer({ config: "auth:\n  jwt:\n    leeway: 0s\nshutdown_grace: 1s\n" });
  administrator = await Administrator.of(server);
});
after(async () => {
  await administrator.close();
  await server.stop();
});

/** A stream that is open: at least one answer has come. */
interface OpenStream {
  readonly ended: Promise<Outcome>;
}

async function open(client: Client, call: ClientCall): Promise<OpenStream> {
  let ended: Promise<Outcome> | undefined;
  const opened = new Promise<void>((resolve) => {
    ended = client.call({ timeoutMs: patience, ...call, onAnswer: () => resolve() });
  });
  if (ended === undefined) throw new Error("unreachable");
  const early = ended.then(({ code, message }) => {
    throw new Error(`the stream was not opened: ${code} ${message}`);
  });
  await within(5000, "the first answer", Promise.race([opened, early]));
  early.catch(() => {});
  return { ended };
}

/** The streams of the demo service that stay open and that a client can carry, with how each is opened. */
function streams(kind: ClientKind, headers: readonly Header[]): readonly ClientCall[] {
  const all = [
    { procedure: `${service}/WatchUsers`, requests: [{}], headers },
    // Never gets its second answer: this side stays open.
    { procedure: `${service}/Chat`, requests: [{ text: "hello" }], headers, take: 2 },
  ];
  return all.filter(({ procedure }) => carries(kind, procedure));
}

function carries({ carries = () => true }: ClientKind, procedure: string): boolean {
  return carries(methodAt(procedure));
}

/** A conversation, line by line. */
async function converse(client: Client, headers: readonly Header[]): Promise<void> {
  const lines = [{ text: "one" }, { text: "two" }, { text: "three" }];
  const chat = await client.call({ procedure: `${service}/Chat`, requests: lines, headers, take: 3 });
  equal(chat.code, 0);
  deepEqual(
    chat.answers.map(({ text }) => text),
    ["You said: one", "You said: two", "You said: three"],
  );
}

for (const kind of [grpcJs, python, raw, connectGrpc, connectJson, grpcWeb]) {
  describe(`streams of ${kind.name}`, () => {
    let client: Client;
    before(async () => {
      client = await kind.connect(server[kind.listener ?? "grpc"]);
    });
    after(() => client.close());
    const key = (value: string): readonly Header[] => [["x-api-key", value]];

    it("carry what is sent", async () => {
      const headers = key(server.apiKey);
      const chunks = [Buffer.alloc(1000), Buffer.alloc(24)].map((chunk) => ({
        chunk: chunk.toString("base64"),
      }));
      const upload = await client.call({ procedure: `${service}/Upload`, requests: chunks, headers });
      deepEqual(upload.answers, [{ chunks: "2", bytes: "1024", uploaded_by: "alice" }]);
      if (carries(kind, `${service}/Chat`)) await converse(client, headers);
      const watch = await client.call({
        procedure: `${service}/WatchUsers`,
        requests: [{}],
        headers,
        take: 3,
      });
      deepEqual(watch.answers.map(({ username }) => username).slice(0, 3), ["admin", "sam", "alice"]);
    });

    for (const name of ["Chat", "WatchUsers", "Upload"]) {
      if (!carries(kind, `${service}/${name}`)) continue;
      it(`are refused at once: ${name} of a client that sends nothing and waits`, async () => {
        const call = {
          procedure: `${service}/${name}`,
          requests: name === "WatchUsers" ? [{}] : [],
          take: 1,
        };
        const began = performance.now();
        const { code, reason } = await client.call({ ...call, timeoutMs: patience });
        deepEqual([code, reason], [16, "CREDENTIALS_MISSING"]);
        ok(performance.now() - began < promisedMs, "it took too long");
      });
    }

    it("end when their token does, and not before", async () => {
      let exp = 0;
      let opened: readonly OpenStream[] = [];
      // Where the token ended before all of them were open: again, with one of twice the time.
      for (let lifetime = 2; opened.length === 0; lifetime *= 2) {
        exp = seconds(lifetime);
        opened = await openWith(exp).catch((error: Error) => {
          ok(Date.now() >= exp * 1000, error.message);
          return [];
        });
      }
      for (const { ended } of opened) {
        const { code, reason, message } = await within(10_000, "the end of the token's stream", ended);
        deepEqual([code, reason], [16, "TOKEN_EXPIRED"]);
        ok(message.toLowerCase().includes("expired"));
        ok(Date.now() >= exp * 1000, "it was cut off too early");
        ok(Date.now() < exp * 1000 + promisedMs, "it was cut off too late");
      }
    });

    async function openWith(exp: number): Promise<readonly OpenStream[]> {
      const claims = { ...accessClaims(ids.alice), exp };
      const token = await sign(developmentSecrets(server.data).jwtSecret, claims);
      const opened = [];
      for (const call of streams(kind, [bearer(token)])) opened.push(await open(client, call));
      return opened;
    }

    it("end when their key is revoked, and others stay", async () => {
      const { key: text, id } = await administrator.createKey(ids.alice, `${kind.name}, to revoke`);
      await cutOff(client, text, "API_KEY_REVOKED", () =>
        administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id, reason: "leaked" }),
      );
    });

    it("end when another process revokes their key", async () => {
      const { key: text, id } = await administrator.createKey(ids.alice, `${kind.name}, to revoke elsewhere`);
      await cutOff(client, text, "API_KEY_REVOKED", async () => {
        const { code, stderr } = await runProgram(["keys", "revoke", id], {
          data: server.data,
          deadlineMs: 10_000,
        });
        equal(code, 0, stderr);
      });
    });

    for (const [rpc, reason] of [
      ["DisableUser", "USER_DISABLED"],
      ["DeleteUser", "USER_DISABLED|API_KEY_REVOKED"],
    ] as const) {
      it(`end at ${rpc}`, async () => {
        const user = await administrator.createUser(`${kind.name.replace(/\W/g, "-")}-${rpc}`);
        const { key: text } = await administrator.createKey(user, "watching");
        await cutOff(client, text, reason, () =>
          administrator.call(`/auth.v1.UserService/${rpc}`, { id: user }),
        );
      });
    }

    /** Opens every kind of stream and one of somebody else's; after the change all but that one end in time. */
    async function cutOff(
      asked: Client,
      text: string,
      reasons: string,
      change: () => Promise<unknown>,
    ): Promise<void> {
      const opened = [];
      for (const call of streams(kind, key(text))) opened.push(await open(asked, call));
      const other = new AnswerCount();
      const others = asked.call({
        procedure: `${service}/WatchUsers`,
        requests: [{}],
        headers: key(server.apiKey),
        timeoutMs: patience,
        take: 100_000,
        onAnswer: () => other.add(),
      });
      await other.next();
      await change();
      const changed = performance.now();
      for (const { ended } of opened) {
        const { code, reason = "" } = await within(10_000, "the stream's end", ended);
        equal(code, 16);
        ok(reasons.split("|").includes(reason), reason);
        ok(performance.now() - changed < promisedMs, "it was cut off too late");
      }
      const seen = other.next();
      await asked.call({
        procedure: `${service}/UpdateProfile`,
        requests: [{ bio: text }],
        headers: key(server.apiKey),
      });
      await within(5000, "news on the stream of somebody else", seen);
      // It ends with its client, however that tells it.
      others.catch(() => {});
    }
  });
}

/** Counts answers, and tells of the next one. */
class AnswerCount extends EventTarget {
  add(): void {
    this.dispatchEvent(new Event("answer"));
  }

  async next(): Promise<void> {
    await once(this, "answer");
  }
}
