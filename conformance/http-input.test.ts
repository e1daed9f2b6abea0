import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { within } from "./deadline.ts";
import { http } from "./door.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

// What is wrong with a request is told, without a word of what was sent, and nothing falls over.

let server: ServerProcess;
before(async () => {
  server = await startServer();
});
after(async () => {
  await server.stop();
  ok(!server.stderr().includes("a handler failed"), server.stderr());
});

const login = "/auth.v1.AuthService/Login";
const secret = "my-very-secret-password";

const malformed: readonly (readonly [string, string])[] = [
  ["broken JSON", `{"username":"a","password":"${secret}"`],
  ["no JSON", `username=a&password=${secret}`],
  ["a list", `["${secret}"]`],
  ["null", "null"],
  ["a text", `"${secret}"`],
  ["a password that is a list", `{"username":"a","password":["${secret}"]}`],
  ["a password that is an object", `{"username":"a","password":{"${secret}":1}}`],
  ["a username that is a number", `{"username":1,"password":"${secret}"}`],
  ["half a surrogate pair", `{"username":"\\ud800","password":"${secret}"}`],
  ["very deep", `{"username":${"[".repeat(30_000)}${"]".repeat(30_000)}}`],
];
for (const path of [login, "/auth/token", "/api/token/"]) {
  describe(`${path} refuses`, () => {
    for (const [what, body] of malformed) {
      it(what, async () => {
        const { status, text, json } = await http(server, path, { body });
        deepEqual([status, json["code"]], [400, "invalid_argument"], text);
        ok(!text.includes(secret));
      });
    }
    it("bytes that are not UTF-8", async () => {
      const body = Buffer.from(`{"username":"a\xff","password":"${secret}"}`, "latin1");
      const answer = await fetch(`http://${server.http}${path}`, { method: "POST", body });
      equal(answer.status, 400);
    });
    it("another type of content", async () => {
      for (const type of ["text/plain", "application/xml", "multipart/form-data; boundary=x"]) {
        const { status, text } = await http(server, path, {
          body: `{"password":"${secret}"}`,
          headers: { "content-type": type },
        });
        equal(status, 415, type);
        ok(!text.includes(secret));
      }
    });
    it("what says to be compressed and is not", async () => {
      // The RPC's own path inflates; the older paths do not begin to.
      const { status } = await http(server, path, { headers: { "content-encoding": "gzip" } });
      equal(status, path === login ? 400 : 415);
    });
    it("another method", async () => {
      for (const method of ["GET", "PUT", "DELETE"]) {
        const { status, headers } = await http(server, path, { method });
        deepEqual([status, headers.get("allow")], [405, "POST"], method);
      }
    });
  });
}

it("refuses a field that it does not know, without its value", async () => {
  const { status, text } = await http(server, login, { body: { username: "a", passwort: secret } });
  equal(status, 400);
  ok(!text.includes(secret) && !text.includes("passwort"));
  match(text, /its fields are: email, password, username, otp_code/);
});

it("knows no other paths", async () => {
  for (const path of [
    "/auth.v1.AuthService/Nothing",
    "/auth.v1.AuthService/login",
    "/auth.v1.AuthService/Login/",
    "//auth.v1.AuthService/Login",
    "/auth/token/",
    "/__proto__",
    "/%61uth/token",
  ]) {
    equal((await http(server, path)).status, 404, path);
  }
  equal((await http(server, `${login}?x=1`, { body: { username: "a", password: secret } })).status, 401);
});

describe("too long a body", () => {
  const long = { body: "x".repeat(10_000_000) };

  it("is refused with 413, and the caller hears of it", async () => {
    for (const body of ["x".repeat(65_537), long.body]) {
      const { status, json } = await http(server, "/auth/token", { body });
      deepEqual([status, json["code"]], [413, "resource_exhausted"]);
    }
  });

  it("is refused with 413 where its length is not told before", async () => {
    const body = new Blob(["x".repeat(3_000_000)]).stream();
    const init: RequestInit & { readonly duplex: "half" } = { method: "POST", body, duplex: "half" };
    equal((await fetch(`http://${server.http}/auth/token`, init)).status, 413);
  });

  it("is not read at all where there is no credential", async () => {
    for (const path of ["/auth.v1.AuthService/WhoAmI", "/auth.v1.UserService/CreateUser", "/auth/logout"]) {
      const { status, json } = await http(server, path, long);
      deepEqual([status, json["reason"]], [401, "CREDENTIALS_MISSING"], path);
    }
  });

  it("is answered before it has come: only its head was sent", async () => {
    const { port } = new URL(`http://${server.http}`);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(
      "POST /auth.v1.AuthService/WhoAmI HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n",
    );
    const [first] = (await within(2000, "the answer", once(socket, "data"))) as [Buffer];
    match(first.toString(), /^HTTP\/1\.1 401 /);
    // Whoever goes on sending for ever is hung up on.
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const flood = Buffer.alloc(1_000_000);
    const send = (): void => void (socket.writable && socket.write(flood, send));
    send();
    await within(5000, "the end of the connection", closed);
  });

  it("that never comes is no failure", async () => {
    const { port } = new URL(`http://${server.http}`);
    const socket = connect(Number(port), "127.0.0.1");
    await once(socket, "connect");
    socket.write("POST /auth/token HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    socket.destroy();
    await once(socket, "close");
    equal((await http(server, "/healthz", { method: "GET" })).status, 200);
  });
});

it("takes two credentials for none of them", async () => {
  const headers = { "x-api-key": server.apiKey, authorization: "Bearer abc" };
  const { status, json } = await http(server, "/auth.v1.AuthService/WhoAmI", { headers });
  deepEqual([status, json["reason"]], [401, "CREDENTIALS_AMBIGUOUS"]);
});

/** Sends a request line and headers over HTTP/1.1 as they are, and reads the answer's beginning. */
async function rawAnswer(lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(`http://${server.http}`).port), "127.0.0.1");
  socket.on("error", () => {});
  const length = "content-length: 2";
  socket.write(`${[...lines, "content-type: application/json", length].join("\r\n")}\r\n\r\n{}`);
  const [first] = (await within(5000, "an answer", once(socket, "data"))) as [Buffer];
  socket.destroy();
  return first.toString();
}

it("SECURITY: takes a credential that was sent twice for none, also where Node shows the first one only", async () => {
  for (const path of ["/auth.v1.AuthService/WhoAmI", "/auth/logout"]) {
    for (const name of ["authorization", "x-api-key"]) {
      const good = `${name}: ${name === "x-api-key" ? "" : "Bearer "}${server.apiKey}`;
      const answer = await rawAnswer([`POST ${path} HTTP/1.1`, "host: x", good, `${name}: nonsense`]);
      match(answer, /^HTTP\/1\.1 401 /);
      match(answer, /CREDENTIALS_AMBIGUOUS/, `${path} ${name}`);
    }
  }
});

it("SECURITY: refuses targets and Hosts that others could read differently, and goes on serving", async () => {
  const key = `x-api-key: ${server.apiKey}`;
  for (const lines of [
    ["POST /auth.v1.AuthService/WhoAmI HTTP/1.1", "host: a", "host: b", key],
    ["POST http://a/auth.v1.AuthService/WhoAmI HTTP/1.1", "host: a", "host: a", key],
    ["POST ftp://a/auth.v1.AuthService/WhoAmI HTTP/1.1", "host: a", key],
    ["POST http://b@a/auth.v1.AuthService/WhoAmI HTTP/1.1", "host: a", key],
    ["POST http://a?/auth.v1.AuthService/WhoAmI HTTP/1.1", "host: a", key],
    ["GET http://[/healthz HTTP/1.1", "host: a"],
    ["GET * HTTP/1.1", "host: a"],
    ["POST /auth.v1.AuthService/WhoAmI HTTP/1.1", "host: [", key],
    ["POST /auth.v1.AuthService/WhoAmI HTTP/1.0", key],
    ["GET //a/healthz HTTP/1.1", "host: [", key],
  ]) {
    match(await rawAnswer(lines), /^HTTP\/1\.1 400 /, lines.join());
  }
  const headers = { "x-api-key": server.apiKey };
  equal((await http(server, "/auth.v1.AuthService/WhoAmI", { headers })).status, 200);
});

it("takes a target in absolute form for its path, and the same rule decides", async () => {
  for (const [target, more, status] of [
    ["/auth.v1.AuthService/WhoAmI", [`x-api-key: ${server.apiKey}`], 200],
    ["/auth.v1.AuthService/WhoAmI", [], 401],
    ["/auth/logout", [], 401],
    ["/auth.v1.AuthService/Nothing", [`x-api-key: ${server.apiKey}`], 404],
    ["/healthz", [], 405],
  ] as const)
    for (const origin of ["http://a", "https://other.example:81"]) {
      const answer = await rawAnswer([`POST ${origin}${target} HTTP/1.1`, "host: a", ...more]);
      match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${origin}${target}`);
    }
});

it("answers GET where an RPC has no side effects, and nowhere else", async () => {
  const query = "?connect=v1&encoding=json&message=%7B%7D";
  const headers = { "x-api-key": server.apiKey };
  const get = (name: string, more = headers as Record<string, string>) =>
    http(server, `/auth.v1.AuthService/${name}${query}`, { method: "GET", headers: more });
  const { status, json, headers: received } = await get("WhoAmI");
  deepEqual([status, json["authenticator"]], [200, "api_key"]);
  equal(received.get("cache-control"), "no-store");
  equal((await get("WhoAmI", {})).json["reason"], "CREDENTIALS_MISSING");
  for (const name of ["Login", "Logout", "ChangePassword", "ValidateApiKey"])
    equal((await get(name)).status, 405);
});

it("says with each refusal which scheme would do", async () => {
  const bodies = [
    ["/auth/token/refresh", { refresh_token: "cs_refresh_wrong" }],
    ["/auth/token", { username: "nobody-here", password: secret }],
    ["/auth.v1.AuthService/WhoAmI", {}],
  ] as const;
  for (const [path, body] of bodies) {
    const { status, headers } = await http(server, path, { body });
    equal(status, 401, path);
    match(headers.get("www-authenticate") ?? "", /Bearer/, path);
  }
});
