import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { chmodSync, copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { certificateThumbprint } from "countersign/client-certificate";
import { TestAuthority } from "../../../tools/certificates.ts";
import { configurationProblems } from "../src/administration/configuration-report.ts";
import { loadConfig } from "../src/config/config.ts";
import { ConfigError } from "../src/config/config-error.ts";
import { bad, type DevServer, good, run, scratchFolder, startServer, until } from "./program.ts";

// A production server with TLS on both listeners, and what the commands beside it say and do.

const servers = new TestAuthority("servers");
const clients = new TestAuthority("clients");
const client = clients.issue({ subject: "/O=Example/CN=root" });
const stranger = clients.issue({ subject: "/O=Example/CN=stranger" });
const folder = scratchFolder();
const file = (name: string): string => join(folder, name);
const elsewhere = scratchFolder();
const config = ["--config", file("conf.yaml")];

function put(spec: Parameters<TestAuthority["issue"]>[0] = {}): void {
  const files = servers.issue({ dns: ["localhost"], ips: ["127.0.0.1"], usage: "serverAuth", ...spec });
  for (const [path, suffix] of [
    [files.key, "key"],
    [files.certificate, "pem"],
  ] as const) {
    copyFileSync(path, file("server.new"));
    chmodSync(file("server.new"), 0o600);
    renameSync(file("server.new"), file(`server.${suffix}`));
  }
}

function write(name: string, text: string): void {
  writeFileSync(file(name), text);
}

let server: DevServer;
before(async () => {
  put();
  copyFileSync(clients.certificate, file("clients.pem"));
  write("secret", "4pF2nPZ0ZAkq7Xy9RkH3sVb8Lm1TgUwC");
  write(
    "conf.yaml",
    `data: ./data
master_key: { file: secret }
grpc: { tls: { certificate_file: server.pem, key_file: server.key, client_ca_file: clients.pem, client_certificates: optional } }
http: { tls: { certificate_file: server.pem, key_file: server.key, client_ca_file: clients.pem, client_certificates: required } }
auth:
  jwt: { secret: { file: secret } }
  api_keys: { pepper: { file: secret } }
  client_certificates: [{ subject: "CN=root,O=Example", user: root }]
`,
  );
  await good(["users", "create", "root", "--superuser", ...config], { folder: elsewhere });
  server = await startServer(["serve", "--json", ...config], elsewhere);
});
after(() => server.stop());

const target = (): readonly string[] => [
  "--server",
  `https://${server.grpc}`,
  "--ca-file",
  servers.certificate,
];

test("a command acts with a client certificate alone, as whoever that stands for", async () => {
  const own = ["--cert-file", client.certificate, "--key-file", client.key];
  const caller = { folder: elsewhere };
  assert.match(await good(["users", "list", ...target(), ...own], caller), /\n1 +root /);
  const other = ["--cert-file", stranger.certificate, "--key-file", stranger.key];
  assert.match(await bad(1, ["users", "list", ...target(), ...other], caller), /Authentication required/);
  assert.match(await bad(1, ["users", "list", ...target()], caller), /COUNTERSIGN_API_KEY/);
});

test("a command says what is wrong with its files", async () => {
  const caller = { folder: elsewhere };
  const half = ["users", "list", ...target(), "--cert-file", client.certificate];
  assert.match(await bad(2, half, caller), /--cert-file and --key-file go together/);
  const swapped = [...half, "--key-file", stranger.key];
  assert.match(await bad(1, swapped, caller), /cannot be used/);
  const missing = [...half, "--key-file", "/nowhere"];
  assert.match(await bad(1, missing, caller), /--key-file \/nowhere cannot be used: ENOENT/);
  assert.match(await bad(2, ["users", "list", "--cert-file", "x"], caller), /--cert-file goes with --server/);
});

test("https:// means TLS on this machine, too: nothing is said in clear", async () => {
  const args = ["users", "list", "--server", `https://${server.grpc}`];
  const line = await bad(1, args, { folder: elsewhere, env: { COUNTERSIGN_TOKEN: "a.b.c" } });
  assert.match(line, /no server answers there by TLS/);
});

test("a token that is minted for a certificate passes with that one alone", async () => {
  const mint = ["tokens", "mint", "--user", "root", "--bind-certificate", client.certificate, ...config];
  const token = (await good(mint, { folder: elsewhere })).trim();
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as {
    cnf: unknown;
  };
  const { raw } = new X509Certificate(readFileSync(client.certificate));
  assert.deepEqual(claims.cnf, { "x5t#S256": certificateThumbprint(raw) });
  const caller = { folder: elsewhere, env: { COUNTERSIGN_TOKEN: token } };
  const own = ["--cert-file", client.certificate, "--key-file", client.key];
  const other = ["--cert-file", stranger.certificate, "--key-file", stranger.key];
  await good(["users", "list", ...target(), ...own], caller);
  assert.match(await bad(1, ["users", "list", ...target(), ...other], caller), /Token invalid/);
  assert.match(await bad(1, ["users", "list", ...target()], caller), /Token invalid/);
  const wrong = [...mint.slice(0, 5), client.key, ...config];
  assert.match(await bad(2, wrong, { folder: elsewhere }), /--bind-certificate \S+ cannot be used/);
});

interface Checked {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
}

async function doctor(): Promise<(name: string) => string> {
  const env = { COUNTERSIGN_GRPC_LISTEN: server.grpc, COUNTERSIGN_HTTP_LISTEN: server.http };
  const { stdout } = await run(["doctor", "-o", "json", ...config], { folder: elsewhere, env });
  const { checks } = JSON.parse(stdout) as Checked;
  return (name) =>
    checks
      .filter((check) => check.name === name)
      .map(({ status, detail }) => `${status} ${detail}`)
      .join("\n");
}

test("doctor looks at the certificates, and at the server that has them", async () => {
  const find = await doctor();
  assert.match(find("grpc certificate"), /^ok \S+server\.pem, until \d{4}-/);
  assert.match(find("http certificate"), /^ok /);
  assert.match(find("grpc"), /a server answers, and serves$/);
  assert.match(find("http"), /a server answers; it talks only to clients with a certificate$/);
});

test("a certificate that ends soon is taken all the same; doctor says so, and what else is odd", async () => {
  put({ to: new Date(Date.now() + 5 * 86_400_000), from: new Date(Date.now() - 80 * 86_400_000) });
  chmodSync(file("server.key"), 0o644);
  await until(15_000, "both listeners", async () => server.stderr().split("read anew").length > 2);
  const find = await doctor();
  assert.match(find("grpc certificate"), /^warn \S+server\.pem ends in 4 days$/m);
  assert.match(find("grpc certificate"), /^warn \S+server\.key is open to every user/m);
});

test("SIGHUP reads certificates anew at once, and does not end the server", async () => {
  const before = server.stderr().split("read anew").length;
  server.signal("SIGHUP");
  await until(5000, "both listeners", async () => server.stderr().split("read anew").length === before + 2);
  await good(["users", "list", ...target(), "--cert-file", client.certificate, "--key-file", client.key], {
    folder: elsewhere,
  });
});

test("a new certificate that is broken: the server keeps its own, and doctor says both", async () => {
  const sound = readFileSync(file("server.key"));
  writeFileSync(file("server.key"), readFileSync(client.key));
  await until(15_000, "its log", async () => server.stderr().includes("is not the key of the certificate"));
  assert.match((await doctor())("configuration"), /^fail grpc\.tls\.key_file .* is not the key/m);
  await good(["users", "list", ...target(), "--cert-file", client.certificate, "--key-file", client.key], {
    folder: elsewhere,
  });
  writeFileSync(file("server.key"), sound);
});

/** What stands against a start with this configuration. */
async function problems(
  yaml: string,
  environment: "production" | "development" = "development",
): Promise<string> {
  write("wrong.yaml", yaml);
  try {
    const env = { COUNTERSIGN_DATA: file("none") };
    const config = loadConfig({ file: file("wrong.yaml"), environment, env });
    return (await configurationProblems(config)).join("\n");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
}

const plain = "certificate_file: server.pem, key_file: server.key";

test("what is wrong with TLS is known before a start", async () => {
  const production = (yaml: string): Promise<string> => problems(yaml, "production");
  const wide = `grpc: { listen: "0.0.0.0:1", tls: { ${plain} } }\nhttp: { listen: "[::]:2", tls: { ${plain} } }`;
  const ofWide = await production(wide);
  assert.ok(!ofWide.includes("plain text"), ofWide);
  assert.match(
    await production('http: { listen: "[::]:2" }'),
    /http\.listen \[::\]:2 .* plain text: set http\.tls/,
  );
  assert.match(
    await production('grpc: { listen: "[::]:2" }'),
    /grpc\.listen \[::\]:2 .* plain text: set grpc\.tls/,
  );
  assert.match(
    await problems(`http: { tls: { ${plain}, client_certificates: required } }`),
    /http\.tls\.client_certificates is required, and nobody is believed/,
  );
  assert.match(
    await problems(`grpc: { tls: { ${plain}, client_ca_file: clients.pem } }`),
    /grpc\.tls\.client_ca_file is set, but clients are not asked/,
  );
  assert.match(await problems(`grpc: { tls: { ${plain}, min_version: TLSv1.1 } }`), /grpc\.tls\.min_version/);
});

test("entries for client certificates that make no sense are refused with what would", async () => {
  const asking = `${plain}, client_ca_file: clients.pem, client_certificates: optional`;
  const entry = (text: string): Promise<string> =>
    problems(`grpc: { tls: { ${asking} } }\nauth: { client_certificates: [${text}] }`);
  assert.equal(
    await entry('{ dns: a.example.org, user: alice }, { common_name: x, name: x, permissions: ["a:b"] }'),
    "",
  );
  for (const [text, says] of [
    ['{ dns: "*.example.org", user: alice }', /"\*\.example\.org" is no dns/],
    ["{ user: alice }", /one of spiffe, spiffe_under, dns, subject, common_name/],
    [
      "{ dns: a.example.org, subject: CN=a, user: alice }",
      /one of spiffe, spiffe_under, dns, subject, common_name/,
    ],
    ["{ dns: a.example.org }", /one of user, user_id, name/],
    ["{ dns: a.example.org, user: alice, name: a }", /one of user, user_id, name/],
    ["{ dns: a.example.org, user: alice, is_staff: true }", /go with name/],
    ['{ spiffe: "spiffe://example.org/*", name: x }', /"spiffe:\/\/example\.org\/\*" is no spiffe/],
    ["{ dns: a.example.org, user: alice }, { dns: A.example.org, user: sam }", /two client certificates/],
  ] as const)
    assert.match(await entry(text), says);
});
