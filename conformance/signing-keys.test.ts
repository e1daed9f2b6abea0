import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { after, before, describe, it } from "node:test";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import type { Client, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until, within } from "./deadline.ts";
import { answer, bearer, call, http, type Pair, passes } from "./door.ts";
import type { Json } from "./protos.ts";
import { runProgram, type ServerOptions, type ServerProcess, startServer } from "./server-process.ts";

// The keys that a new installation makes for itself, with clients that are not ours.

const issuer = "https://id.example.com";
const service = "/auth.v1.SigningKeyService";
/** Promised for every node. */
const promisedMs = 1000;

interface Key {
  readonly kid: string;
  readonly algorithm: string;
  readonly status: string;
}

/** A server whose keys are its own, with a client and an administrator who has logged in. */
class Installation {
  readonly server: ServerProcess;
  readonly client: Client;
  readonly #admin: Pair;

  private constructor(server: ServerProcess, client: Client, admin: Pair) {
    this.server = server;
    this.client = client;
    this.#admin = admin;
  }

  static async start(options: ServerOptions, admin?: Pair): Promise<Installation> {
    const server = await startServer({ signing: "managed", ...options });
    const client = await grpcJs.connect(server.grpc);
    return new Installation(server, client, admin ?? (await logIn(server, client, "admin")));
  }

  /** Another process on the same data. */
  async another(options: ServerOptions): Promise<Installation> {
    return Installation.start({ ...options, data: this.server.data }, this.#admin);
  }

  logIn(username: string): Promise<Pair> {
    return logIn(this.server, this.client, username);
  }

  async refresh({ refresh_token }: Pair): Promise<Pair> {
    return (await answer(call(this.client, "RefreshToken", { refresh_token }))) as unknown as Pair;
  }

  async keys(): Promise<readonly Key[]> {
    const { signing_keys: keys } = await this.#administer("ListSigningKeys", {});
    return keys as unknown as readonly Key[];
  }

  /** Waits until the new key signs. */
  async rotate(request: Json = {}): Promise<Key> {
    const soon = { succession: { soon: true }, ...request };
    const { signing_key: made } = await this.#administer("RotateSigningKey", soon);
    const { kid } = made as unknown as Key;
    await until(5000, "the new key to sign", async () =>
      (await this.keys()).some((key) => key.kid === kid && key.status === "signing"),
    );
    return made as unknown as Key;
  }

  async remove(kid: string): Promise<void> {
    await this.#administer("RetireSigningKey", { kid, now: true });
  }

  async published(): Promise<readonly { readonly kid: string }[]> {
    const { json } = await http(this.server, "/.well-known/jwks.json", { method: "GET" });
    return json["keys"] as unknown as readonly { kid: string }[];
  }

  /** What gRPC and HTTP say to a token. */
  async says(token: string): Promise<readonly string[]> {
    const { status, json } = await http(this.server, "/auth.v1.AuthService/WhoAmI", { token });
    return [await passes(this.client, bearer(token)), status === 200 ? "ok" : String(json["reason"])];
  }

  /** Opens a stream, and waits for its first message. */
  async watch(token: string): Promise<{ readonly ended: Promise<Outcome> }> {
    const heard = new EventEmitter();
    const ended = this.client.call({
      procedure: "/api.users.UserService/WatchUsers",
      requests: [{}],
      headers: [bearer(token)],
      timeoutMs: 30_000,
      onAnswer: () => void heard.emit("answer"),
    });
    await within(5000, "the stream's first message", once(heard, "answer"));
    return { ended };
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.server.stop();
  }

  async #administer(name: string, request: Json): Promise<Json> {
    const outcome = this.client.call({
      procedure: `${service}/${name}`,
      requests: [request],
      headers: [bearer(this.#admin.access_token)],
    });
    return answer(outcome);
  }
}

async function logIn(server: ServerProcess, client: Client, username: string): Promise<Pair> {
  const { password = "" } = server.users.find((user) => user.username === username) ?? {};
  return (await answer(call(client, "Login", { username, password }))) as unknown as Pair;
}

const kidOf = (token: string): unknown => decodeProtectedHeader(token).kid;
const good = ["ok", "ok"];
/** A token that was seen is revoked; for one that was not, there is no key any more. */
const refused = (said: readonly string[]): boolean =>
  said.every((reason) => reason === "TOKEN_REVOKED" || reason === "TOKEN_INVALID");

for (const algorithm of ["HS256", "RS256", "ES256", "EdDSA"]) {
  describe(`${algorithm}, end to end`, () => {
    let here: Installation;
    before(async () => {
      const config = `auth:\n  jwt: { algorithm: ${algorithm}, issuer: "${issuer}", audience: orders }\n`;
      here = await Installation.start({ config });
    });
    after(() => here.stop());

    it("logs in, calls, rotates, accepts both, and lets go of the old one at once", async () => {
      const old = await here.logIn("alice");
      equal(decodeProtectedHeader(old.access_token).alg, algorithm);
      deepEqual(await here.says(old.access_token), good);
      const stream = await here.watch(old.access_token);
      const { kid } = await here.rotate();
      const fresh = await here.refresh(old);
      equal(kidOf(fresh.access_token), kid);
      notEqual(kidOf(old.access_token), kid);
      for (const { access_token: token } of [old, fresh]) deepEqual(await here.says(token), good);
      await here.remove(String(kidOf(old.access_token)));
      equal(refused(await here.says(old.access_token)), true);
      const { code, reason } = await within(promisedMs, "the stream's end", stream.ended);
      deepEqual([code, reason], [16, "TOKEN_REVOKED"]);
      deepEqual(await here.says(fresh.access_token), good);
      // Who was cut off refreshes, and goes on.
      deepEqual(await here.says((await here.refresh(fresh)).access_token), good);
    });

    it("is verified by jose, which knows nothing but the address of the keys", async () => {
      const { access_token: token } = await here.logIn("sam");
      const jwks = createRemoteJWKSet(new URL(`http://${here.server.http}/.well-known/jwks.json`));
      const verify = () => jwtVerify(token, jwks, { issuer, audience: "orders", algorithms: [algorithm] });
      if (algorithm === "HS256") {
        deepEqual(await here.published(), []);
        return;
      }
      const { payload } = await verify();
      equal(payload["username"], "sam");
      const { json } = await http(here.server, "/.well-known/openid-configuration", { method: "GET" });
      deepEqual(
        [json["issuer"], json["jwks_uri"], json["id_token_signing_alg_values_supported"]],
        [issuer, `${issuer}/.well-known/jwks.json`, [algorithm]],
      );
    });

    it("publishes no private member of any key", async () => {
      for (const key of await here.published()) {
        for (const member of ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]) ok(!(member in key), member);
      }
    });
  });
}

describe("two nodes", () => {
  const config = "auth:\n  jwt: { publish_ahead: 2s, algorithm: ES256 }\n";
  let here: Installation;
  let there: Installation;
  before(async () => {
    here = await Installation.start({ config });
    there = await here.another({ config });
  });
  after(async () => {
    await there.stop();
    await here.stop();
  });

  it("know each other's keys before they are used", async () => {
    const { kid } = await here.rotate();
    ok((await there.published()).some((key) => key.kid === kid));
    const pair = await here.logIn("alice");
    equal(kidOf(pair.access_token), kid);
    deepEqual(await there.says(pair.access_token), good);
    equal(kidOf((await there.refresh(pair)).access_token), kid);
  });

  it("let go of a key together, warm tokens and open streams included", async () => {
    const pair = await here.logIn("alice");
    const { access_token: token } = pair;
    for (const node of [here, there]) deepEqual(await node.says(token), good);
    const streams = [await here.watch(token), await there.watch(token)];
    await here.rotate();
    await here.remove(String(kidOf(token)));
    // On the same node at once, and on the other within the bound.
    equal(refused(await here.says(token)), true);
    await until(promisedMs, "the other node to refuse", async () => refused(await there.says(token)));
    for (const { ended } of streams) {
      const { code, reason } = await within(promisedMs, "the stream's end", ended);
      deepEqual([code, reason], [16, "TOKEN_REVOKED"]);
    }
    deepEqual(await there.says((await there.refresh(pair)).access_token), good);
  });

  it("let go of a key that a command removes, which signs in its place at once", async () => {
    const { access_token: token } = await here.logIn("alice");
    const streams = [await here.watch(token), await there.watch(token)];
    const { code, stderr } = await runProgram(["keys", "signing", "retire", String(kidOf(token)), "--now"], {
      data: here.server.data,
      deadlineMs: 20_000,
    });
    equal(code, 0, stderr);
    for (const { ended } of streams) equal((await within(promisedMs, "the stream's end", ended)).code, 16);
    await until(promisedMs, "both nodes to refuse", async () =>
      [...(await here.says(token)), ...(await there.says(token))].every((reason) => reason !== "ok"),
    );
    const { access_token: next } = await here.logIn("alice");
    notEqual(kidOf(next), kidOf(token));
    for (const node of [here, there]) deepEqual(await node.says(next), good);
  });

  it("rotate under load without a call that fails", async () => {
    const nodes = [here, there];
    const failures: string[] = [];
    const kids = new Set<unknown>();
    let calls = 0;
    let stopped = false;
    const worker = async (index: number, first: Pair): Promise<void> => {
      let pair = first;
      for (let turn = index; !stopped; turn++) {
        // Whoever has issued a token, and however new it is: every node takes it.
        if (turn % 3 === 0) pair = await (nodes[turn % 2] as Installation).refresh(pair);
        kids.add(kidOf(pair.access_token));
        for (const node of nodes) {
          const said = await passes(node.client, bearer(pair.access_token));
          calls++;
          if (said !== "ok") failures.push(`${said} after ${calls} calls`);
        }
      }
    };
    const workers: Promise<void>[] = [];
    for (const name of ["alice", "sam", "alice", "sam"]) {
      workers.push(worker(workers.length, await here.logIn(name)));
    }
    try {
      for (const node of [here, there, here]) await node.rotate();
    } finally {
      stopped = true;
      await Promise.all(workers);
    }
    deepEqual(failures, []);
    ok(kids.size >= 3 && calls > 100, `${kids.size} keys, ${calls} calls`);
  });
});
