import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Auth } from "../core/auth.ts";
import type { EndedCall } from "../core/followed-call.ts";
import { isAuthenticated } from "../core/guards.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteRule } from "../core/route-rule.ts";
import { until } from "../core/until.suite.ts";
import {
  type DoorKind,
  errors,
  owned,
  ran,
  revocations,
  routes,
  type StartedDoor,
  suiteAuth,
  waiting,
  who,
} from "./door-routes.suite.ts";

// What every door of plain HTTP does alike, over real connections. An adapter's test hands over a way to start one.

/** What `onCallEnd` was told. */
const ended: EndedCall<Principal>[] = [];

/** Callers who are being watched. */
let watched = 0;

function counted(watch: Auth<Principal>["watch"]): Auth<Principal>["watch"] {
  return (...given) => {
    watched += 1;
    let stop = () => {
      watched -= 1;
      stop = () => {};
    };
    const unwatch = watch(...given);
    return () => {
      stop();
      unwatch();
    };
  };
}

/** Callers who lose their rights, one for each door. */
let eves = 0;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Runs the suite against one door. */
export function describeDoor(kind: DoorKind): void {
  describe(`the door ${kind.name}`, () => {
    let door: StartedDoor;
    before(async () => {
      const told = { ...routes, ...(kind.decoded && { "PUT /owned/:id": owned }) };
      const auth = suiteAuth({
        onDecision: () => {
          throw new Error("an observer that fails");
        },
        onCallEnd(call) {
          ended.push(call);
          throw new Error("an observer that fails");
        },
      });
      door = await kind.start({
        auth: { ...auth, watch: counted(auth.watch) },
        routes: told,
        options: {
          guards: [isAuthenticated],
          cors: { origins: ["https://app.example"] },
          onError: (error) => errors.push(error),
        },
      });
      auth.seal();
    });
    after(() => door.close());
    beforeEach(() => {
      ran.length = 0;
      errors.length = 0;
    });

    async function ask(
      path: string,
      headers: Record<string, string> = {},
      init: RequestInit = {},
    ): Promise<Answer> {
      const response = await fetch(`http://127.0.0.1:${door.port}${path}`, {
        headers,
        signal: AbortSignal.timeout(5000),
        ...init,
      });
      const text = await response.text();
      const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
      const json = isJson && text !== "" ? (JSON.parse(text) as Answer["json"]) : {};
      return { status: response.status, headers: response.headers, text, json };
    }
    const brief = async (...given: Parameters<typeof ask>) => {
      const { status, json } = await ask(...given);
      return [status, json["reason"] ?? json["caller"]];
    };

    /** Bytes as they are, for what no client sends. */
    async function raw(text: string): Promise<string> {
      const socket = connect(door.port, "127.0.0.1");
      socket.setTimeout(5000, () => socket.destroy(new Error("no answer")));
      await once(socket, "connect");
      socket.write(text);
      let answer = "";
      for await (const chunk of socket) {
        answer += String(chunk);
        if (answer.includes("\r\n\r\n")) break;
      }
      return answer;
    }
    const statusOf = (answer: string): number => Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);

    it("decides as the rule of the route says, and the handler runs for whom it admits", async () => {
      for (const [path, headers, expected] of [
        ["/open", {}, [200, null]],
        ["/open", { "x-user": "bad" }, [200, null]],
        ["/maybe", {}, [200, null]],
        ["/maybe", { "x-user": "ada" }, [200, "ada"]],
        ["/maybe", { "x-user": "bad" }, [401, "TOKEN_INVALID"]],
        ["/me", {}, [401, "CREDENTIALS_MISSING"]],
        ["/me", { "x-user": "ada" }, [200, "ada"]],
        ["/me", { "x-user": "" }, [401, "TOKEN_INVALID"]],
        ["/later", { "x-user": "ada" }, [200, "ada"]],
        ["/staff", { "x-user": "ada" }, [403, "PERMISSION_DENIED"]],
        ["/staff", { "x-user": "staff" }, [200, "staff"]],
        ["/staff?admin=1", { "x-user": "staff" }, [200, "staff"]],
        ["/machines", { "x-user": "ada" }, [401, "CREDENTIALS_MISSING"]],
        ["/machines", { "x-suite-key": "good" }, [200, "machine"]],
        ["/machines", { "x-suite-key": "other" }, [401, "API_KEY_INVALID"]],
        ["/either", { "x-suite-key": "good" }, [200, "machine"]],
        ["/either", { "x-user": "ada" }, [200, "ada"]],
        ["/either", { "x-user": "ada", "x-suite-key": "good" }, [401, "CREDENTIALS_AMBIGUOUS"]],
        ["/me", { "x-user": "down" }, [503, "UNAVAILABLE"]],
        ["/broken", { "x-user": "ada" }, [503, "UNAVAILABLE"]],
        ["/me", { "x-user": "limited" }, [429, "RATE_LIMITED"]],
      ] as const) {
        ran.length = 0;
        const answer = await brief(path, headers);
        assert.deepEqual(answer, expected, `${path} ${JSON.stringify(headers)}`);
        assert.equal(ran.length, expected[0] === 200 ? 1 : 0, path);
      }
    });

    it("says why: constant text, reason, details, and which credential would do", async () => {
      const missing = await ask("/me");
      assert.equal(missing.headers.get("www-authenticate"), 'Fake realm="suite"');
      assert.equal(missing.headers.get("cache-control"), "no-store");
      assert.deepEqual(missing.json, {
        code: "unauthenticated",
        message: "Authentication required",
        reason: "CREDENTIALS_MISSING",
        details: missing.json["details"],
      });
      assert.equal((await ask("/machines")).headers.get("www-authenticate"), "Key");
      const denied = await ask("/staff", { "x-user": "ada" });
      assert.equal(denied.json["message"], "Staff access required");
      assert.equal(denied.headers.get("www-authenticate"), null);
      assert.equal((await ask("/me", { "x-user": "limited" })).headers.get("retry-after"), "2");
    });

    it("hands over what the path names, and the rule belongs to the pattern", async () => {
      const answer = await ask("/users/a%2Fb", { "x-user": "staff" }, { method: "DELETE" });
      assert.deepEqual([answer.status, answer.json["id"], ran], [200, "a/b", ["DELETE /users/:id"]]);
    });

    it("SECURITY: no spelling of a path, and no method, opens what is closed", async () => {
      for (const path of [
        "/staff/",
        "//staff",
        "/STAFF",
        "/%73taff",
        "/open/../staff",
        "/./staff",
        "/staff;x",
        "/staff%00",
      ])
        for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PROPFIND"]) {
          const answer = await raw(
            `${method} ${path} HTTP/1.1\r\nhost: x\r\nx-user: ada\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
          );
          const status = statusOf(answer);
          assert.ok(
            status === 400 || status === 403 || status === 404 || status === 405,
            `${method} ${path}: ${status}`,
          );
        }
      for (const method of ["POST", "OPTIONS", "PUT", "TRACE"]) {
        const status = statusOf(
          await raw(`${method} /open HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`),
        );
        assert.ok(status === 404 || status === 405, `${method} /open: ${status}`);
      }
      const override = {
        "x-user": "ada",
        "x-http-method-override": "GET",
        "x-forwarded-user": "staff",
        "x-original-url": "/open",
      };
      assert.deepEqual(await brief("/staff", override), [403, "PERMISSION_DENIED"]);
      assert.deepEqual(ran, []);
    });

    it("HEAD is decided as GET is", async () => {
      assert.equal((await ask("/staff", {}, { method: "HEAD" })).status, 401);
      assert.deepEqual(ran, []);
      const { status, text } = await ask("/staff", { "x-user": "staff" }, { method: "HEAD" });
      assert.deepEqual([status, text, ran], [200, "", ["GET /staff"]]);
    });

    it("what is not served is 404, whoever asks", async () => {
      for (const headers of [{}, { "x-user": "staff" }, { "x-user": "bad" }] as const)
        assert.equal((await ask("/nothing", headers as Record<string, string>)).status, 404);
    });

    it("CVE-2021-32777: a credential that comes twice is refused", async () => {
      for (const lines of [
        "x-user: ada\r\nx-user: staff",
        "x-user: staff\r\nx-user: staff",
        "x-user: ada,staff",
      ]) {
        const answer = await raw(`GET /staff HTTP/1.1\r\nhost: x\r\n${lines}\r\nconnection: close\r\n\r\n`);
        assert.equal(statusOf(answer), 401);
      }
      assert.deepEqual(ran, []);
    });

    it("a request to change the protocol is decided like any other", async () => {
      const upgrade =
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==";
      assert.equal(statusOf(await raw(`GET /staff HTTP/1.1\r\nhost: x\r\n${upgrade}\r\n\r\n`)), 401);
      assert.deepEqual(ran, []);
    });

    it("refuses before the body has come", async () => {
      const answer = await raw(
        "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{",
      );
      assert.equal(statusOf(answer), 401);
      assert.deepEqual(ran, []);
    });

    it("tells what a handler means to tell, and hides the rest", async () => {
      const headers = { "x-user": "ada" };
      const told = async (what: string) => {
        const { status, json } = await ask(`/fails/${what}`, headers);
        return [status, json["message"], json["reason"]];
      };
      assert.deepEqual(await told("staff"), [403, "Staff access required", "PERMISSION_DENIED"]);
      assert.deepEqual(await told("own"), [403, "Not on Sundays", "PERMISSION_DENIED"]);
      assert.deepEqual(await told("call"), [404, "There is no such thing", undefined]);
      assert.deepEqual(errors, []);
      assert.deepEqual(await told("away"), [503, "Temporarily unavailable", undefined]);
      const [status, message] = await told("else");
      assert.equal(status, 500);
      assert.match(
        String(message),
        kind.hides === "framework" ? /^Internal server error$/ : /^Internal error$/,
      );
      assert.deepEqual(errors.map(String), ["Unavailable: secret", "Error: secret"]);
    });

    // RFC 9112 section 3.2.
    it("takes a target in absolute form for its path, and the same rule decides", async () => {
      const told = async (target: string, ...lines: readonly string[]) =>
        statusOf(await raw([`${target} HTTP/1.1`, "host: x", ...lines, "", ""].join("\r\n")));
      for (const origin of ["http://x", "https://x", "http://other.example:81", "http://[::1]:81"])
        assert.deepEqual(
          [
            await told(`GET ${origin}/me`),
            await told(`GET ${origin}/me?q=http://y/open`, "x-user: ada"),
            await told(`GET ${origin}/staff`, "x-user: ada"),
            await told(`GET ${origin}/staff`, "x-user: staff"),
            await told(`GET ${origin}/nothing`, "x-user: staff"),
            await told(`GET ${origin}//open`),
          ],
          [401, 200, 403, 200, 404, 404],
          origin,
        );
      assert.deepEqual(ran, Array.from({ length: 4 }, () => ["GET /me", "GET /staff"]).flat());
    });

    it("refuses a request to two hosts, and a target that others could read differently", async () => {
      for (const lines of [
        ["GET /open HTTP/1.1", "host: x", "host: y"],
        ["GET /open HTTP/1.1", "host: x", "Host: x"],
        ["GET http://x/open HTTP/1.1", "host: x", "host: y"],
        ["GET /nothing HTTP/1.1", "host: x", "host: y"],
        ["OPTIONS /open HTTP/1.1", "host: x", "host: y", "access-control-request-method: GET"],
        ["GET http://x:port/open HTTP/1.1", "host: x"],
        ["GET ftp://x/open HTTP/1.1", "host: x"],
        ["GET file:///open HTTP/1.1", "host: x"],
        ["GET x:/open HTTP/1.1", "host: x"],
      ])
        assert.equal(statusOf(await raw([...lines, "", ""].join("\r\n"))), 400, lines.join());
      assert.deepEqual(ran, []);
    });

    it("ends an answer that goes on when its caller no longer may", async () => {
      const eve = `eve${++eves}`;
      const response = await fetch(`http://127.0.0.1:${door.port}/stream`, { headers: { "x-user": eve } });
      assert.equal(response.status, 200);
      const reader = response.body?.getReader();
      assert.ok(reader);
      assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), "first\n");
      revocations.apply({ kind: "user", userId: eve, state: "disabled" });
      const started = Date.now();
      await assert.rejects(
        Promise.race([
          reader.read().then(({ done }) => (done ? Promise.reject(new Error("ended")) : undefined)),
          new Promise((resolve) => setTimeout(resolve, 4000).unref()),
        ]),
      );
      assert.ok(Date.now() - started < 2000);
      assert.deepEqual(await brief("/me", { "x-user": eve }), [401, "USER_DISABLED"]);
    });

    it("tells once how each request ended, under the name that its caller is told", async () => {
      const told = async (headers: Headers): Promise<readonly unknown[]> => {
        const id = headers.get("x-request-id");
        assert.ok(id);
        const of = () => ended.filter(({ requestId }) => requestId === id);
        await until(() => of().length > 0);
        assert.equal(of().length, 1);
        const [call] = of();
        assert.ok((call?.durationMs ?? -1) >= 0);
        return [call?.call.procedure, call?.admitted?.principal?.userId, call?.code, call?.reason];
      };
      for (const [path, headers, expected] of [
        ["/me", { "x-user": "ada" }, ["GET /me", "ada", 0, undefined]],
        ["/open", {}, ["GET /open", undefined, 0, undefined]],
        ["/me", {}, ["GET /me", undefined, 16, "CREDENTIALS_MISSING"]],
        ["/staff", { "x-user": "ada" }, ["GET /staff", undefined, 7, "PERMISSION_DENIED"]],
        ["/me", { "x-user": "down" }, ["GET /me", undefined, 14, "UNAVAILABLE"]],
        ["/fails/staff", { "x-user": "ada" }, ["GET /fails/:what", "ada", 7, "PERMISSION_DENIED"]],
        ["/fails/call", { "x-user": "ada" }, ["GET /fails/:what", "ada", 5, undefined]],
        ["/fails/away", { "x-user": "ada" }, ["GET /fails/:what", "ada", 14, undefined]],
        ["/fails/else", { "x-user": "ada" }, ["GET /fails/:what", "ada", 13, undefined]],
      ] as const) {
        const answer = await ask(path, headers);
        assert.deepEqual(await told(answer.headers), expected, path);
      }
      const stream = async (user: string): Promise<[Response, ReadableStreamDefaultReader<Uint8Array>]> => {
        const response = await fetch(`http://127.0.0.1:${door.port}/stream`, { headers: { "x-user": user } });
        assert.ok(response.body);
        const reader = response.body.getReader();
        await reader.read();
        return [response, reader];
      };
      const [left, reader] = await stream("ada");
      await reader.cancel();
      assert.deepEqual(await told(left.headers), ["GET /stream", "ada", 1, undefined]);
      const mallory = `mallory${++eves}`;
      const [cut] = await stream(mallory);
      revocations.apply({ kind: "user", userId: mallory, state: "disabled" });
      assert.deepEqual(await told(cut.headers), ["GET /stream", mallory, 16, "USER_DISABLED"]);
      assert.equal((await ask("/nothing")).headers.get("x-request-id"), null);
    });

    it("runs nothing for a caller who left before the decision, and watches nobody for ever", async () => {
      await until(() => watched === 0);
      const socket = connect(door.port, "127.0.0.1");
      await once(socket, "connect");
      socket.write("GET /left HTTP/1.1\r\nhost: x\r\nx-user: leaving\r\n\r\n");
      await until(() => waiting.has("GET /left"));
      socket.destroy();
      const told = () => ended.filter(({ call }) => call.procedure === "GET /left");
      await until(() => !waiting.has("GET /left") && told().length > 0);
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual([ran, watched, told().map(({ code }) => code)], [[], 0, [1]]);
      ended.length = 0;
    });

    it("CORS: tells the page that is named, of answers and refusals alike, and no other", async () => {
      const preflight = (origin: string) =>
        ask("/staff", { origin, "access-control-request-method": "GET" }, { method: "OPTIONS" });
      const named = await preflight("https://app.example");
      assert.equal(named.status, 204);
      assert.equal(named.headers.get("access-control-allow-origin"), "https://app.example");
      assert.match(named.headers.get("access-control-allow-headers") ?? "", /authorization/);
      for (const origin of ["https://evil.example", "null", "https://app.example.evil.example"]) {
        const other = await preflight(origin);
        assert.ok(other.status === 404 || other.status === 405, String(other.status));
        assert.equal(other.headers.get("access-control-allow-origin"), null);
      }
      for (const [headers, status] of [
        [{ "x-user": "ada" }, 200],
        [{}, 401],
      ] as const) {
        const answer = await ask("/me", { origin: "https://app.example", ...headers });
        assert.equal(answer.status, status);
        assert.equal(answer.headers.get("access-control-allow-origin"), "https://app.example");
        assert.match(answer.headers.get("vary") ?? "", /origin/);
        assert.match(answer.headers.get("access-control-expose-headers") ?? "", /www-authenticate/);
      }
      assert.deepEqual(ran, ["GET /me"]);
    });

    it("stops the start for a route without a rule", async () => {
      const start = (rule: RouteRule<Principal>) =>
        Promise.resolve()
          .then(() =>
            kind.start({ auth: suiteAuth(), options: {}, routes: { "GET /bare": { ...rule, run: who } } }),
          )
          .then((started) => started.close());
      await assert.rejects(start({}), /no rule for GET \/bare/);
      if (kind.name !== "nestjs")
        await assert.rejects(
          start({ guards: ["open"], guard: [isAuthenticated] } as never),
          /GET \/bare has no option guard: it takes/,
        );
      await assert.rejects(start({ guards: [] as never }), /the guards of GET \/bare are a list/);
      const lists = [[], [{}], [undefined], ["open", isAuthenticated], [isAuthenticated]];
      // Nest's decorator makes a list of whatever it is given.
      for (const auth of kind.name === "nestjs" ? lists : [...lists, "open", null])
        await assert.rejects(
          start({ auth: auth as never, guards: ["open"] }),
          /^TypeError: the authenticators of GET \/bare are a list of at least one/,
          JSON.stringify(auth),
        );
      await start({ guards: ["open"] });
      await assert.rejects(
        Promise.resolve().then(() =>
          kind.start({ auth: suiteAuth(), options: { guard: ["open"] } as never, routes: {} }),
        ),
        /an HTTP door has no option guard: it takes/,
      );
    });

    if (kind.decoded)
      it("asks a rule about the request before the handler runs", async () => {
        const put = (path: string, body: object, user = "ada") =>
          brief(
            path,
            { "x-user": user, "content-type": "application/json" },
            { method: "PUT", body: JSON.stringify(body) },
          );
        assert.deepEqual(await put("/owned/ada?q=1", { owner: "ada" }), [200, "ada"]);
        for (const [path, body, user] of [
          ["/owned/bob?q=1", { owner: "ada" }, "ada"],
          ["/owned/ada", { owner: "ada" }, "ada"],
          ["/owned/ada?q=1", { owner: "bob" }, "ada"],
          ["/owned/ada?q=1", { owner: "ada" }, "bob"],
        ] as const) {
          ran.length = 0;
          assert.deepEqual(await put(path, body, user), [403, "PERMISSION_DENIED"]);
          assert.deepEqual(ran, []);
        }
      });
    else
      it("stops the start for a rule about a request that it does not see", async () => {
        await assert.rejects(
          Promise.resolve().then(() =>
            kind.start({ auth: suiteAuth(), options: {}, routes: { "PUT /owned/:id": owned } }),
          ),
          /names the request/,
        );
      });
  });
}
