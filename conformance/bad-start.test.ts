import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type CertificateFiles, type CertificateSpec, TestAuthority } from "../tools/certificates.ts";
import { scratchFolder } from "./scratch.ts";
import { runProgram, type ServerOptions, startServer } from "./server-process.ts";
import { tlsBlock } from "./tls-door.ts";

// A start that cannot be: one line that names cause and remedy, an exit code, and nothing left behind.

let taken: Server;
let takenAddress = "";
before(async () => {
  taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  if (typeof address === "object" && address !== null) takenAddress = `127.0.0.1:${address.port}`;
});
after(() => taken.close());

interface BadStart {
  readonly name: string;
  readonly options: () => ServerOptions;
  /** What the line must name: the cause, and what to do. */
  readonly names: readonly RegExp[];
  /** Default: `dev --json`. */
  readonly command?: readonly string[];
}

function file(content: string): string {
  const path = join(scratchFolder(), "file");
  writeFileSync(path, content);
  return path;
}

function brokenDatabase(content: string | Buffer): ServerOptions {
  const data = join(scratchFolder(), "data");
  mkdirSync(data);
  writeFileSync(join(data, "countersign.db"), content);
  return { data };
}

const authority = new TestAuthority("bad starts");
const issued = (spec: CertificateSpec = {}): CertificateFiles => authority.issue(spec);

const badStarts: readonly BadStart[] = [
  {
    name: "the gRPC port is in use",
    options: () => ({ env: { COUNTERSIGN_GRPC_LISTEN: takenAddress } }),
    names: [/grpc\.listen 127\.0\.0\.1:\d+ is in use/, /COUNTERSIGN_GRPC_LISTEN/],
  },
  {
    name: "the HTTP port is in use",
    options: () => ({ env: { COUNTERSIGN_HTTP_LISTEN: takenAddress } }),
    names: [/http\.listen 127\.0\.0\.1:\d+ is in use/, /COUNTERSIGN_HTTP_LISTEN/],
  },
  {
    name: "an address that is none of this machine's",
    options: () => ({ env: { COUNTERSIGN_GRPC_LISTEN: "192.0.2.1:50051" } }),
    names: [/192\.0\.2\.1:50051/, /COUNTERSIGN_GRPC_LISTEN/],
  },
  {
    name: "an address that is none",
    options: () => ({ env: { COUNTERSIGN_GRPC_LISTEN: "here" } }),
    names: [/grpc\.listen/, /such as 127\.0\.0\.1:50051/],
  },
  {
    name: "a database that is garbage",
    options: () => brokenDatabase("this is no database".repeat(500)),
    names: [/countersign\.db/, /not a SQLite database/, /backup/],
  },
  {
    name: "a database that is damaged",
    options: () =>
      brokenDatabase(Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(8176, 0xa5)])),
    names: [/countersign\.db/, /;/],
  },
  {
    name: "a data folder below a file",
    options: () => ({ data: join(file(""), "below") }),
    names: [/cannot write to the data folder/, /COUNTERSIGN_DATA/],
  },
  {
    name: "a data folder that is a file",
    options: () => ({ data: file("") }),
    names: [/data folder/, /COUNTERSIGN_DATA/],
  },
  {
    name: "secrets that are broken",
    options: () => {
      const data = join(scratchFolder(), "data");
      mkdirSync(data);
      writeFileSync(join(data, "development-secrets.json"), "{");
      return { data };
    },
    names: [/development-secrets\.json is broken/, /backup/],
  },
  {
    name: "an unknown member",
    options: () => ({ config: "auth:\n  mod: required\n" }),
    names: [/configuration\.yaml: auth/, /mod/],
  },
  {
    name: "a member of the wrong type",
    options: () => ({ config: "shutdown_grace: 10\n" }),
    names: [/configuration\.yaml: shutdown_grace/],
  },
  {
    name: "a mode that there is not",
    options: () => ({ config: "auth:\n  mode: maybe\n" }),
    names: [/auth\.mode/, /required/],
  },
  { name: "YAML that is none", options: () => ({ config: "auth: [\n" }), names: [/configuration\.yaml/] },
  {
    name: "a list for a configuration",
    options: () => ({ config: "- auth\n" }),
    names: [/a mapping is expected/],
  },
  { name: "a member twice", options: () => ({ config: "data: a\ndata: b\n" }), names: [/unique/] },
  {
    name: "a configuration that is not there",
    options: () => ({}),
    command: ["dev", "--json", "--config", "/nonexistent/countersign.yaml"],
    names: [/cannot read the configuration \/nonexistent\/countersign\.yaml/],
  },
  {
    name: "an unknown variable",
    options: () => ({ env: { COUNTERSIGN_X: "1" } }),
    names: [/COUNTERSIGN_X is not known/, /COUNTERSIGN_DATA/],
  },
  {
    name: "a variable that is empty",
    options: () => ({ env: { COUNTERSIGN_LOG_LEVEL: "" } }),
    names: [/COUNTERSIGN_LOG_LEVEL is empty/],
  },
  {
    name: "an unknown service",
    options: () => ({ config: "services: [api.users.Nobody]\n" }),
    names: [/api\.users\.Nobody/, /api\.users\.UserService/],
  },
  {
    name: "a public method that nothing serves",
    options: () => ({ config: "auth:\n  public_methods: [/api.users.UserService/Nope]\n" }),
    names: [/\/api\.users\.UserService\/Nope/],
  },
  {
    name: "TLS whose files are not there",
    options: () => ({ config: "grpc:\n  tls: { certificate_file: no.pem, key_file: no.key }\n" }),
    names: [/grpc\.tls/, /no falling back/],
  },
  {
    name: "a key that is not the certificate's",
    options: () => ({ config: `grpc: { tls: ${tlsBlock({ ...issued(), key: issued().key })} }\n` }),
    names: [/grpc\.tls\.key_file/, /is not the key of the certificate/, /no falling back/],
  },
  {
    name: "a certificate that has expired",
    options: () => ({
      config: `http: { tls: ${tlsBlock(issued({ to: new Date(Date.now() - 60_000) }))} }\n`,
    }),
    names: [/http\.tls\.certificate_file/, /expired at .* renew it/, /no falling back/],
  },
  {
    name: "client certificates that nobody asks for",
    options: () => ({ config: "auth: { client_certificates: [{ dns: a.example.org, user: alice }] }\n" }),
    names: [/auth\.client_certificates/, /no listener asks/, /grpc\.tls\.client_certificates/],
  },
  {
    name: "production without secrets",
    options: () => ({}),
    command: ["serve"],
    names: [/master_key is missing/, /COUNTERSIGN_MASTER_KEY/, /auth\.api_keys\.pepper is missing/],
  },
  {
    name: "production with authentication off",
    options: () => ({
      config: "environment: production\nauth:\n  mode: disabled\n",
      env: productionSecrets(),
    }),
    command: ["serve"],
    names: [/auth\.mode is disabled/, /acknowledge_insecure/],
  },
  {
    name: "production in plain text on a public address",
    options: () => ({ env: { ...productionSecrets(), COUNTERSIGN_GRPC_LISTEN: "0.0.0.0:0" } }),
    command: ["serve"],
    names: [/plain text/, /grpc\.tls/],
  },
  {
    name: "production in plain text on a public HTTP address",
    options: () => ({ env: { ...productionSecrets(), COUNTERSIGN_HTTP_LISTEN: "0.0.0.0:0" } }),
    command: ["serve"],
    names: [/plain text/, /http\.behind_tls_proxy/],
  },
  {
    name: "a development key that can be reached from outside",
    options: () => ({
      env: { COUNTERSIGN_DEVELOPMENT_KEY: "0123456789abcdefghij", COUNTERSIGN_GRPC_LISTEN: "0.0.0.0:0" },
    }),
    names: [/auth\.development_key makes anyone a superuser/],
  },
];

function productionSecrets(): Record<string, string> {
  const random = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64");
  return {
    COUNTERSIGN_JWT_SECRET: random(),
    COUNTERSIGN_API_KEY_PEPPER: random(),
    COUNTERSIGN_MASTER_KEY: random(),
  };
}

describe("a start that cannot be", { concurrency: 2 }, () => {
  for (const { name, options, names, command = ["dev", "--json"] } of badStarts) {
    it(name, async () => {
      const given = options();
      const database = given.data === undefined ? undefined : contentOf(join(given.data, "countersign.db"));
      // The program is gone after this, and with it whatever it may have listened on.
      // It ends by itself, and soon; how soon depends on what else the machine does.
      const { code, stdout, stderr } = await runProgram(command, { ...given, deadlineMs: 45_000 });
      equal(code, 1, stderr);
      equal(stdout, "");
      const lines = stderr.trimEnd().split("\n");
      equal(lines.length, 1, stderr);
      for (const pattern of names) match(stderr, pattern);
      ok(!/\bat .*\.(ts|js):\d+/.test(stderr), "a stack trace");
      if (given.data !== undefined) deepEqual(contentOf(join(given.data, "countersign.db")), database);
    });
  }

  it("leaves the data of a good one alone", async () => {
    const server = await startServer();
    await server.stop();
    const { code } = await runProgram(["dev"], {
      data: server.data,
      env: { COUNTERSIGN_GRPC_LISTEN: takenAddress },
      deadlineMs: 45_000,
    });
    equal(code, 1);
    const again = await startServer({ data: server.data });
    equal(again.apiKey, "", "a second start shows no secret");
    deepEqual(again.users, []);
    await again.stop();
  });
});

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "base64");
  } catch {
    return undefined;
  }
}
