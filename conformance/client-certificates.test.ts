import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { certificateThumbprint } from "countersign/client-certificate";
import { type CertificateFiles, selfSigned, TestAuthority } from "../tools/certificates.ts";
import { ids } from "./cast.ts";
import { buf } from "./clients/buf.ts";
import type { Client, ClientTls, Header } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { within } from "./deadline.ts";
import { bearer } from "./door.ts";
import type { Json } from "./protos.ts";
import { developmentSecrets, type ServerProcess, startServer } from "./server-process.ts";
import { finished, https, tlsBlock } from "./tls-door.ts";
import { accessClaims, sign } from "./tokens.ts";

// Client certificates on both listeners of the real program: gRPC asks for them, HTTP requires them.

const servers = new TestAuthority("servers");
const clients = new TestAuthority("clients");
const files = servers.issue({ dns: ["localhost"], ips: ["127.0.0.1"], usage: "serverAuth" });
const billing = "spiffe://example.org/billing";
const hour = 3_600_000;

const as = ({ certificate, key }: CertificateFiles): ClientTls => ({
  authority: servers.certificate,
  certificate,
  key,
});
const nobody: ClientTls = { authority: servers.certificate };
const client = {
  billing: as(clients.issue({ uris: [billing], usage: "clientAuth" })),
  alice: as(clients.issue({ dns: ["alice.example.org"] })),
  sam: as(clients.issue({ subject: "/O=Example/CN=sam" })),
  stranger: as(clients.issue({ uris: ["spiffe://example.org/stranger"] })),
  hostile: as(
    clients.issue({ dns: [`x, URI:${billing}`, "x, DNS:alice.example.org"], subject: "/CN=x, O=Example" }),
  ),
};
const strangers: Readonly<Record<string, ClientTls>> = {
  "of another authority": as(new TestAuthority("clients").issue({ uris: [billing] })),
  "of its own making": as(selfSigned({ subject: "/O=Example/CN=sam" })),
  "that has expired": as(clients.issue({ uris: [billing], to: new Date(Date.now() - hour / 2) })),
  "that is not valid yet": as(clients.issue({ uris: [billing], from: new Date(Date.now() + hour) })),
  "for servers": as(clients.issue({ uris: [billing], usage: "serverAuth" })),
};

let server: ServerProcess;
before(async () => {
  const authority = { client_ca_file: clients.certificate };
  server = await startServer({
    config: [
      `grpc: { tls: ${tlsBlock(files, { ...authority, client_certificates: "optional" })} }`,
      `http: { tls: ${tlsBlock(files, { ...authority, client_certificates: "required" })} }`,
      "log: { level: info }",
      "auth:",
      "  client_certificates:",
      `    - { spiffe: "${billing}", name: billing, permissions: ["users:list"] }`,
      "    - { dns: alice.example.org, user: alice }",
      `    - { subject: "CN=sam,O=Example", user_id: "${ids.sam}" }`,
    ].join("\n"),
  });
});
after(() => server.stop());

const whoAmI = "/auth.v1.AuthService/WhoAmI";

async function withClient<T>(
  tls: ClientTls,
  work: (client: Client) => Promise<T>,
  kind = grpcJs,
): Promise<T> {
  const connected = await kind.connect(server.grpc, tls);
  try {
    return await work(connected);
  } finally {
    await connected.close();
  }
}

/** Who the program takes a caller for, or why it refuses: over gRPC. */
function overGrpc(tls: ClientTls, headers: readonly Header[] = [], kind = grpcJs): Promise<string> {
  const ask = async (asked: Client): Promise<string> => {
    const { code, reason, answers } = await asked.call({
      procedure: whoAmI,
      requests: [{}],
      headers,
      timeoutMs: 10_000,
    });
    return code === 0 ? named(answers[0] ?? {}) : (reason ?? String(code));
  };
  return withClient(tls, ask, kind);
}

/** The same over HTTP, where it is the status. */
async function overHttp(tls: ClientTls, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const { status, json } = await https(server.http, whoAmI, tls, headers);
  return status === 200 ? named(json) : String(status);
}

const named = (answer: Json): string => `${String(answer["user_id"])} by ${String(answer["authenticator"])}`;

describe("a client certificate that is known", () => {
  for (const kind of [grpcJs, python, buf]) {
    it(`authenticates: ${kind.name}`, async () => {
      equal(await overGrpc(client.billing, [], kind), "certificate:billing by client_certificate");
      equal(await overGrpc(client.alice, [], kind), `${ids.alice} by client_certificate`);
    });
  }

  it("authenticates over HTTP: Node and curl", async () => {
    equal(await overHttp(client.billing), "certificate:billing by client_certificate");
    equal(await overHttp(client.sam), `${ids.sam} by client_certificate`);
    const { certificate = "", key = "" } = client.alice;
    const { code, output } = await finished("curl", [
      ...["-sS", "--cacert", servers.certificate, "--cert", certificate, "--key", key, "-d", "{}"],
      ...["-H", "content-type: application/json", `https://${server.http}${whoAmI}`],
    ]);
    equal(code, 0, output);
    equal(named(JSON.parse(output) as Json), `${ids.alice} by client_certificate`);
  });

  it("has the rights that stand beside it, and no more", async () => {
    await withClient(client.billing, async (connected) => {
      const list = await connected.call({ procedure: "/api.users.UserService/ListAllUsers", requests: [{}] });
      equal(list.code, 0, list.message);
      const remove = { procedure: "/api.users.UserService/DeleteUser", requests: [{ user_id: "1" }] };
      equal((await connected.call(remove)).reason, "PERMISSION_DENIED");
    });
  });

  it("beside a header credential only binds: the header says who calls", async () => {
    const key: Header = ["x-api-key", server.apiKey];
    equal(await overGrpc(client.billing, [key]), `${ids.alice} by api_key`);
    equal(await overHttp(client.billing, { "x-api-key": server.apiKey }), `${ids.alice} by api_key`);
    equal(await overGrpc(client.billing, [["x-api-key", `${server.apiKey}x`]]), "API_KEY_INVALID");
    equal(await overGrpc(client.billing, [bearer("no.such.token")]), "TOKEN_INVALID");
  });
});

describe("a client certificate that stands for nobody", () => {
  it("counts as no credential", async () => {
    equal(await overGrpc(client.stranger), "CREDENTIALS_MISSING");
    equal(await overGrpc(nobody), "CREDENTIALS_MISSING");
    equal(await overGrpc(client.stranger, [["x-api-key", server.apiKey]]), `${ids.alice} by api_key`);
    await withClient(client.stranger, async (connected) => {
      const open = await connected.call({
        procedure: "/api.users.UserService/GetUser",
        requests: [{ user_id: "1" }],
      });
      equal(open.code, 0, open.message);
    });
    match(server.stderr(), /stands for nobody: spiffe:\/\/example\.org\/stranger/);
  });

  it("CVE-2021-44532: has no second name that it smuggles in", async () => {
    equal(await overGrpc(client.hostile), "CREDENTIALS_MISSING");
  });
});

describe("a client certificate that cannot be believed", () => {
  for (const [name, tls] of Object.entries(strangers)) {
    it(`${name} gets no connection, where it is required and where it is not`, async () => {
      await rejects(overHttp(tls));
      equal(await overGrpc(tls), "14");
      equal(await overGrpc(tls, [["x-api-key", server.apiKey]]), "14");
    });
  }

  it("which is missing where one is required", async () => {
    await rejects(overHttp(nobody), /CERTIFICATE_REQUIRED|certificate required/i);
  });

  it("is no better in a header", async () => {
    const { certificate = "" } = client.billing;
    const pem = readFileSync(certificate, "utf8");
    const flat = pem.replaceAll(/-----[A-Z ]+-----|\n/g, "");
    for (const [name, value] of [
      ["x-forwarded-client-cert", `Hash=00;URI=${billing};Cert="${encodeURIComponent(pem)}"`],
      ["x-client-cert", encodeURIComponent(pem)],
      ["x-ssl-client-cert", encodeURIComponent(pem)],
      ["client-cert", `:${flat}:`],
      ["x-spiffe-id", billing],
    ] as const) {
      equal(await overGrpc(nobody, [[name, value]]), "CREDENTIALS_MISSING", name);
      equal(await overHttp(client.stranger, { [name]: value }), "401", name);
    }
  });
});

describe("a token that is bound to a client certificate (RFC 8705)", () => {
  async function tokenFor(tls: ClientTls): Promise<string> {
    const { raw } = new X509Certificate(readFileSync(tls.certificate ?? ""));
    const cnf = { "x5t#S256": certificateThumbprint(raw) };
    return sign(developmentSecrets(server.data).jwtSecret, { ...accessClaims(ids.alice), cnf });
  }

  it("passes over its own connections alone, cold and warm, over gRPC and HTTP", async () => {
    const token = await tokenFor(client.billing);
    const header = { authorization: `Bearer ${token}` };
    for (let round = 0; round < 2; round++) {
      equal(await overGrpc(client.alice, [bearer(token)]), "TOKEN_INVALID");
      equal(await overHttp(client.alice, header), "401");
      equal(await overGrpc(nobody, [bearer(token)]), "TOKEN_INVALID");
      equal(await overGrpc(client.billing, [bearer(token)]), `${ids.alice} by jwt`);
      equal(await overHttp(client.billing, header), `${ids.alice} by jwt`);
    }
    match(server.stderr(), /bound to a client certificate/);
  });

  it("passes from the first call to the last of a connection", async () => {
    const token = await tokenFor(client.billing);
    await withClient(client.billing, async (connected) => {
      for (let call = 0; call < 20; call++) {
        const { code } = await connected.call({
          procedure: whoAmI,
          requests: [{}],
          headers: [bearer(token)],
        });
        equal(code, 0);
      }
    });
  });

  it("is refused where its binding is not understood", async () => {
    const secret = developmentSecrets(server.data).jwtSecret;
    for (const cnf of [{ jkt: "x" }, {}, "x"]) {
      const token = await sign(secret, { ...accessClaims(ids.alice), cnf });
      equal(await overGrpc(client.billing, [bearer(token)]), "TOKEN_INVALID");
    }
  });
});

describe("the end of a client certificate", () => {
  it("ends its connections; the next ones need a new certificate", async () => {
    // Where it ended before the stream was open: again, with one of twice the time.
    let lifetimeMs = 3000;
    while (!(await endsItsConnections(lifetimeMs))) lifetimeMs *= 2;
  });

  /** False if the certificate ended before a stream was open under it. */
  function endsItsConnections(lifetimeMs: number): Promise<boolean> {
    // Certificates tell whole seconds.
    const end = Math.floor((Date.now() + lifetimeMs) / 1000) * 1000;
    return withClient(as(clients.issue({ uris: [billing], to: new Date(end) })), async (connected) => {
      const heard = Promise.withResolvers<boolean>();
      const watching = connected.call({
        procedure: "/api.users.UserService/WatchUsers",
        requests: [{}],
        timeoutMs: lifetimeMs + 17_000,
        onAnswer: () => heard.resolve(true),
      });
      const refused = watching.then(({ code, message }) => {
        ok(Date.now() >= end, `refused before its end: ${code} ${message}`);
        return false;
      });
      if (!(await Promise.race([heard.promise, refused]))) return false;
      const { code, reason } = await within(lifetimeMs + 7000, "the end of the stream", watching);
      // Whichever notices first: the authenticator, or the listener that hangs up.
      ok(code === 14 || reason === "TOKEN_EXPIRED", `${code} ${reason}`);
      equal((await connected.call({ procedure: whoAmI, requests: [{}], timeoutMs: 2000 })).code === 0, false);
      return true;
    });
  }

  it("what was refused is in the log, with its cause", () => {
    const lines = server
      .stderr()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Json);
    const refused = lines.filter(({ msg }) => msg === "a TLS connection was refused");
    const causes = new Set(refused.map(({ cause }) => String(cause)));
    deepEqual([causes.has("CERT_HAS_EXPIRED"), causes.has("DEPTH_ZERO_SELF_SIGNED_CERT")], [true, true]);
  });
});
