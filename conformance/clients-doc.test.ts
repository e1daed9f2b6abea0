import { deepEqual, equal, match } from "node:assert/strict";
import { execFile } from "node:child_process";
import { delimiter } from "node:path";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createConnectTransport } from "@connectrpc/connect-node";
import { followUsers } from "../examples/clients/connect.ts";
import { changeBio } from "../examples/clients/grpc.ts";
import { whoAmI } from "../examples/clients/service.ts";
import { Administrator } from "./cast.ts";
import { binFolder, pythonStubs, requirePython } from "./clients/python/stubs.ts";
import { newAccount } from "./door.ts";
import { scratchFolder } from "./scratch.ts";
import { developmentSecrets, type ServerProcess, startServer } from "./server-process.ts";
import { accessClaims, seconds, sign } from "./tokens.ts";

// What docs/clients.md shows, beside the real program.

const run = promisify(execFile);
const sample = (name: string): string =>
  fileURLToPath(new URL(`../examples/clients/${name}`, import.meta.url));

let server: ServerProcess;
let administrator: Administrator;
before(async () => {
  server = await startServer();
  administrator = await Administrator.of(server);
});
after(async () => {
  await administrator.close();
  await server.stop();
});

async function bioOf(id: string): Promise<unknown> {
  return (await administrator.call("/api.users.UserService/GetUser", { user_id: id }))["bio"];
}

it("grpc-js: a session", async () => {
  const { id, username, password } = await newAccount(administrator);
  await changeBio(server.grpc, { username, password }, "from grpc-js");
  equal(await bioOf(id), "from grpc-js");
  const sessions = await administrator.call("/auth.v1.AuthService/ListSessions", { user_id: id });
  deepEqual(sessions["sessions"], []);
});

it("Connect: a session and a stream", async () => {
  const { username, password } = await newAccount(administrator);
  const names: string[] = [];
  const baseUrl = `http://${server.http}`;
  const make: Parameters<typeof followUsers>[0] = (interceptors) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", interceptors });
  await followUsers(make, { username, password }, (name) => names.push(name) < 2);
  deepEqual(names, ["admin", "sam"]);
});

it("one service to another: a key of the environment", async () => {
  equal(await whoAmI({ USERS_ADDRESS: server.grpc, USERS_API_KEY: server.apiKey }), "alice");
});

it("Python: a session that renews itself, and knows an old token by its reason", async () => {
  const { id, username, password } = await newAccount(administrator);
  const old = await sign(developmentSecrets(server.data).jwtSecret, {
    ...accessClaims(id),
    iat: seconds(-120),
    exp: seconds(-60),
  });
  const { stdout } = await run(requirePython(), [sample("session.py")], {
    env: {
      STUBS: pythonStubs(),
      ADDRESS: server.grpc,
      NAME: username,
      PASSWORD: password,
      OLD_TOKEN: old,
    },
    timeout: 20_000,
  });
  deepEqual(stdout.trim().split("\n"), ["from Python", "Token revoked"]);
});

it("a shell: buf curl with a key, and with a session", async () => {
  const { id, username, password } = await newAccount(administrator);
  const { stdout } = await run("sh", ["-eu", sample("calls.sh")], {
    cwd: scratchFolder(),
    env: {
      PATH: [binFolder, process.env["PATH"]].join(delimiter),
      HOME: scratchFolder(),
      KEY: server.apiKey,
      ADDRESS: server.grpc,
      NAME: username,
      PASSWORD: password,
    },
    timeout: 20_000,
  });
  match(stdout, /"username": ?"alice"/);
  match(stdout, /"bio": ?"from a shell"/);
  equal(await bioOf(id), "from a shell");
});
