import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type CertificateFiles, scratchPath, TestAuthority } from "../tools/certificates.ts";
import type { Client, ClientTls } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until, within } from "./deadline.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { finished, handshake, https, idle, serialOf, servedSerial, tlsBlock } from "./tls-door.ts";

// Certificates and authorities that change under the running program: new connections get the new ones, calls never
// fail for it, and nobody gets in by what was believed before.

const servers = new TestAuthority("servers");
const [first, second] = [new TestAuthority("first"), new TestAuthority("second")];
const serverCertificate = (): CertificateFiles =>
  servers.issue({ dns: ["localhost"], ips: ["127.0.0.1"], usage: "serverAuth" });
const uri = "spiffe://example.org/billing";
const whoAmI = "/auth.v1.AuthService/WhoAmI";

const tlsOf = ({ certificate, key }: CertificateFiles): ClientTls => ({
  authority: servers.certificate,
  certificate,
  key,
});
const ofFirst = tlsOf(first.issue({ uris: [uri] }));
const ofSecond = tlsOf(second.issue({ uris: [uri] }));

/** As Kubernetes mounts a secret: files are links into a folder that is itself a link, which is replaced. */
class MountedSecret implements CertificateFiles {
  readonly #folder = scratchPath("mount");
  readonly certificate = join(this.#folder, "tls.crt");
  readonly key = join(this.#folder, "tls.key");
  #count = 0;

  constructor(files: CertificateFiles) {
    mkdirSync(this.#folder);
    this.put(files);
    symlinkSync(join("..data", "tls.crt"), this.certificate);
    symlinkSync(join("..data", "tls.key"), this.key);
  }

  put({ certificate, key }: CertificateFiles): void {
    this.#count += 1;
    const version = join(this.#folder, `..${this.#count}`);
    mkdirSync(version);
    copyFileSync(certificate, join(version, "tls.crt"));
    copyFileSync(key, join(version, "tls.key"));
    const link = join(this.#folder, "..data_tmp");
    symlinkSync(`..${this.#count}`, link);
    renameSync(link, join(this.#folder, "..data"));
  }
}

/** A file that is replaced as a whole. */
function replace(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

const authoritiesOf = (...authorities: readonly TestAuthority[]): string =>
  authorities.map(({ certificate }) => readFileSync(certificate, "utf8")).join("\n");

const secret = new MountedSecret(serverCertificate());
const authorities = scratchPath("clients.pem");
replace(authorities, authoritiesOf(first));

let server: ServerProcess;
before(async () => {
  const optional = tlsBlock(secret, { client_ca_file: authorities, client_certificates: "optional" });
  server = await startServer({
    config: [
      `grpc: { tls: ${optional} }`,
      `http: { tls: ${optional} }`,
      "log: { level: info }",
      `auth: { client_certificates: [{ spiffe: "${uri}", name: billing }] }`,
    ].join("\n"),
  });
});
after(() => server.stop());

/** Calls without a pause, over connections that are made anew now and then, until it is stopped. */
class Load {
  calls = 0;
  readonly failures: string[] = [];
  #going = true;
  readonly #over: Promise<unknown>;

  constructor(tls: readonly ClientTls[]) {
    this.#over = Promise.all(tls.flatMap((each) => [this.#grpc(each), this.#http(each)]));
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#over;
  }

  /** Waits for so many more calls. */
  async progress(calls: number): Promise<void> {
    const goal = this.calls + calls;
    await until(15_000, `${calls} more calls`, async () => this.calls >= goal);
  }

  async #grpc(tls: ClientTls): Promise<void> {
    const kept = await grpcJs.connect(server.grpc, tls);
    while (this.#going) {
      const fresh = await grpcJs.connect(server.grpc, tls);
      for (const client of [kept, fresh, fresh, kept]) await this.#call(client);
      await fresh.close();
    }
    await kept.close();
  }

  async #call(client: Client): Promise<void> {
    const { code, message } = await client.call({ procedure: whoAmI, requests: [{}] });
    this.calls += 1;
    if (code !== 0) this.failures.push(`gRPC ${code} ${message}`);
  }

  async #http(tls: ClientTls): Promise<void> {
    while (this.#going) {
      await https(server.http, whoAmI, tls).then(
        ({ status }) => status !== 200 && this.failures.push(`HTTP ${status}`),
        (error: Error) => this.failures.push(`HTTP ${error.message}`),
      );
      this.calls += 1;
    }
  }
}

const both = (): readonly string[] => [server.grpc, server.http];

async function taken(serial: string): Promise<void> {
  for (const address of both())
    await until(
      10_000,
      `the new certificate on ${address}`,
      async () => (await servedSerial(address)) === serial,
    );
}

/** How many times the log says so. */
function logged(what: RegExp): number {
  return server
    .stderr()
    .split("\n")
    .filter((line) => what.test(line)).length;
}

describe("a certificate that is replaced under load", () => {
  it("is shown by both listeners, and no call fails", async () => {
    const load = new Load([ofFirst, ofFirst]);
    await load.progress(20);
    for (let round = 0; round < 3; round++) {
      const next = serverCertificate();
      secret.put(next);
      await taken(serialOf(next));
      await load.progress(20);
    }
    await load.stop();
    deepEqual(load.failures, []);
    ok(load.calls > 80, `${load.calls} calls`);
  });

  it("stays as it was while the new one is broken, and the log says so once", async () => {
    const before = await servedSerial(server.grpc);
    const good = serverCertificate();
    const expired = servers.issue({ dns: ["localhost"], to: new Date(Date.now() - 60_000) });
    const garbage = scratchPath("garbage.pem");
    writeFileSync(garbage, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (const [broken, says] of [
      [{ certificate: good.certificate, key: serverCertificate().key }, /is not the key of the certificate/],
      [{ certificate: garbage, key: good.key }, /holds no certificate in PEM/],
      [expired, /expired at/],
    ] as const) {
      const load = new Load([ofFirst]);
      secret.put(broken);
      await until(10_000, `the log of ${says}`, async () => logged(says) === 2);
      await load.progress(10);
      await load.stop();
      deepEqual(load.failures, []);
      for (const address of both()) equal(await servedSerial(address), before);
      equal(logged(says), 2, "one line for each listener");
    }
    secret.put(good);
    await taken(serialOf(good));
  });
});

describe("an authority of clients", () => {
  /** Does a new connection of this client get in, by neither door, one or both? */
  async function passes(tls: ClientTls): Promise<0 | 1 | 2> {
    const client = await grpcJs.connect(server.grpc, tls);
    const { code } = await client.call({ procedure: whoAmI, requests: [{}] });
    await client.close();
    const byGrpc = code === 0 ? 1 : 0;
    const byHttp = await https(server.http, whoAmI, tls).then(
      ({ status }) => (status === 200 ? 1 : 0),
      () => 0 as const,
    );
    return (byGrpc + byHttp) as 0 | 1 | 2;
  }

  const become = (who: ClientTls, doors: 0 | 2, what: string): Promise<void> =>
    until(10_000, what, async () => (await passes(who)) === doors);

  it("is added under load, and then the old one is taken away: whoever has a good certificate never fails", async () => {
    deepEqual([await passes(ofFirst), await passes(ofSecond)], [2, 0]);
    const old = new Load([ofFirst]);
    replace(authorities, authoritiesOf(first, second));
    await become(ofSecond, 2, "the second authority");
    const renewed = new Load([ofSecond, ofSecond]);
    await Promise.all([old.progress(20), renewed.progress(20)]);
    await old.stop();
    deepEqual(old.failures, []);
    replace(authorities, authoritiesOf(second));
    await become(ofFirst, 0, "the end of the first authority");
    await renewed.progress(20);
    await renewed.stop();
    deepEqual(renewed.failures, []);
  });

  it("ends the open connections of those whom it had brought, when it is taken away", async () => {
    replace(authorities, authoritiesOf(first, second));
    await become(ofFirst, 2, "both authorities");
    await become(ofSecond, 2, "both authorities");
    const stranger = await grpcJs.connect(server.grpc, ofFirst);
    const strangers = await Promise.all(both().map((address) => idle(address, ofFirst)));
    const friends = await Promise.all(both().map((address) => idle(address, ofSecond)));
    const heard = Promise.withResolvers<void>();
    const stream = stranger.call({
      procedure: "/api.users.UserService/WatchUsers",
      requests: [{}],
      timeoutMs: 20_000,
      onAnswer: () => heard.resolve(),
    });
    await within(5000, "the first answer", heard.promise);
    replace(authorities, authoritiesOf(second));
    equal((await within(10_000, "the end of its stream", stream)).code, 14);
    equal((await stranger.call({ procedure: whoAmI, requests: [{}] })).code, 14);
    await stranger.close();
    await until(5000, "the end of the idle ones", async () => strangers.every(({ destroyed }) => destroyed));
    deepEqual(
      friends.map(({ destroyed }) => destroyed),
      [false, false],
    );
    for (const friend of friends) friend.destroy();
  });

  it("that cannot be read changes nothing", async () => {
    replace(authorities, "nothing");
    const says = /client_ca_file \S+ holds no certificate in PEM/;
    await until(10_000, "the log", async () => logged(says) === 2);
    deepEqual([await passes(ofFirst), await passes(ofSecond)], [0, 2]);
    rmSync(authorities);
    await until(10_000, "the log", async () => logged(/client_ca_file \S+ cannot be read \(ENOENT\)/) === 2);
    deepEqual([await passes(ofFirst), await passes(ofSecond)], [0, 2]);
    replace(authorities, authoritiesOf(first));
    await become(ofFirst, 2, "the first authority");
    equal(await passes(ofSecond), 0);
  });
});

describe("CVE-2025-68121: a session of TLS", () => {
  /** Shakes hands with openssl, which keeps the session or brings one. */
  async function shake(
    address: string,
    version: string,
    tls: ClientTls,
    how: readonly string[],
  ): Promise<string> {
    const own = tls.certificate === undefined ? [] : ["-cert", tls.certificate, "-key", tls.key ?? ""];
    const alpn = address === server.grpc ? ["-alpn", "h2"] : [];
    const args = ["s_client", version, "-connect", address, ...alpn, ...own, ...how];
    // Tickets of TLS 1.3 come after the handshake.
    const { output } = await finished("openssl", args, { inputMs: 400 });
    return /^(New|Reused), /m.exec(output)?.[1] ?? "none";
  }

  for (const version of ["-tls1_2", "-tls1_3"]) {
    it(`is not resumed where clients are asked for certificates: neither before nor after a change (${version})`, async () => {
      for (const address of both()) {
        const session = scratchPath("session.pem");
        const kept = ["-sess_out", session];
        equal(await shake(address, version, ofFirst, kept), "New");
        // Where no session is given out, there is none to bring.
        if (existsSync(session)) equal(await shake(address, version, ofFirst, ["-sess_in", session]), "New");
      }
    });
  }

  it("is resumed where they are not, which proves the question; not after a change", async () => {
    const files = serverCertificate();
    const plain = await startServer({
      config: `grpc: { tls: ${tlsBlock(files)} }\nlog: { level: info }\n`,
    });
    try {
      const session = scratchPath("session.pem");
      const shakePlain = async (how: readonly string[]) => {
        const args = ["s_client", "-tls1_2", "-alpn", "h2", "-connect", plain.grpc, ...how];
        const { output } = await finished("openssl", args, { inputMs: 400 });
        return /^(New|Reused), /m.exec(output)?.[1];
      };
      equal(await shakePlain(["-sess_out", session]), "New");
      equal(await shakePlain(["-sess_in", session]), "Reused");
      const next = serverCertificate();
      replace(files.key, readFileSync(next.key));
      replace(files.certificate, readFileSync(next.certificate));
      await until(10_000, "the new one", async () => (await servedSerial(plain.grpc)) === serialOf(next));
      equal(await shakePlain(["-sess_in", session]), "New");
    } finally {
      await plain.stop();
    }
  });
});

it("what is older or weaker is refused after a change as well", async () => {
  const next = serverCertificate();
  secret.put(next);
  await taken(serialOf(next));
  const old = { rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"], ciphers: "DEFAULT@SECLEVEL=0" };
  for (const address of both()) {
    const weak = handshake(address, { ...old, minVersion: "TLSv1", maxVersion: "TLSv1.1" });
    await rejects(weak, /alert|version/i);
  }
  match(server.stderr(), /certificates were read anew/);
});
