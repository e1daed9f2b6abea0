import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./at-exit.ts";

/** Certificates for tests, made with openssl in a folder that goes when the process ends. */

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateSpec {
  /** As openssl's `-subj`: `/O=Example/CN=alice`. Default: `/CN=test`. */
  readonly subject?: string;
  readonly dns?: readonly string[];
  readonly uris?: readonly string[];
  readonly ips?: readonly string[];
  /** Default: an hour ago, and in thirty days. */
  readonly from?: Date;
  readonly to?: Date;
  /** Extended key usage. Default: none. */
  readonly usage?: "clientAuth" | "serverAuth";
  /** May it sign others? Default: no. */
  readonly authority?: boolean;
}

let folder: string | undefined;
let count = 0;

/** A path in the folder of this process. */
export function scratchPath(name: string): string {
  folder ??= temporaryFolder("tls");
  count += 1;
  return join(folder, `${count}-${name}`);
}

/** Someone who signs certificates. */
export class TestAuthority implements CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  readonly #config: string;

  /** With a certificate of its own; or one that another has signed. */
  constructor(name: string, signed?: CertificateFiles) {
    this.certificate = signed?.certificate ?? scratchPath("ca.pem");
    this.key = signed?.key ?? scratchPath("ca.key");
    const database = scratchPath("index");
    writeFileSync(database, "");
    this.#config = scratchPath("ca.cnf");
    writeFileSync(
      this.#config,
      [
        "[ca]\ndefault_ca = test",
        `[test]\ndatabase = ${database}\nnew_certs_dir = ${join(database, "..")}\nrand_serial = yes`,
        "unique_subject = no\ndefault_md = sha256\npolicy = any\nemail_in_dn = yes\n[any]\ncommonName = optional\n",
      ].join("\n"),
    );
    if (signed !== undefined) return;
    const self = ["-out", this.certificate, "-subj", `/CN=${name}`, "-days", "30"];
    openssl("req", "-x509", ...newKey(this.key), ...self);
  }

  /** Signs what it is told to, however bad. */
  issue(spec: CertificateSpec): CertificateFiles {
    const [certificate, key, request] = [scratchPath("c.pem"), scratchPath("c.key"), scratchPath("c.csr")];
    openssl("req", ...newKey(key), "-out", request, "-utf8", "-subj", spec.subject ?? "/CN=test");
    const extensions = scratchPath("c.ext");
    writeFileSync(extensions, extensionsOf(spec));
    const { from = new Date(Date.now() - 3_600_000), to = new Date(Date.now() + 30 * 86_400_000) } = spec;
    openssl(
      ...[
        "ca",
        "-batch",
        "-notext",
        "-preserveDN",
        "-config",
        this.#config,
        "-in",
        request,
        "-out",
        certificate,
      ],
      ...["-cert", this.certificate, "-keyfile", this.key, "-extfile", extensions],
      ...["-startdate", stamp(from), "-enddate", stamp(to)],
    );
    return { certificate, key };
  }
}

/** A certificate that is its own authority. */
export function selfSigned(spec: Pick<CertificateSpec, "subject"> = {}): CertificateFiles {
  const [certificate, key] = [scratchPath("s.pem"), scratchPath("s.key")];
  openssl(
    "req",
    "-x509",
    ...newKey(key),
    "-out",
    certificate,
    "-subj",
    spec.subject ?? "/CN=self",
    "-days",
    "30",
  );
  return { certificate, key };
}

/** Runs openssl, which must succeed. Answers with what it wrote. */
export function openssl(...args: readonly string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function newKey(path: string): readonly string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path];
}

function extensionsOf({ dns = [], uris = [], ips = [], usage, authority = false }: CertificateSpec): string {
  const names = [
    ...dns.map((name) => element(0x82, Buffer.from(name, "latin1"))),
    ...uris.map((uri) => element(0x86, Buffer.from(uri, "latin1"))),
    ...ips.map((ip) => element(0x87, Buffer.from(ip.split(".").map(Number)))),
  ];
  const lines = [`basicConstraints = critical, CA:${authority ? "TRUE" : "FALSE"}`];
  // Byte by byte: openssl's own syntax could not say what an attacker's program can.
  if (names.length > 0)
    lines.push(`subjectAltName = DER:${element(0x30, Buffer.concat(names)).toString("hex")}`);
  if (usage !== undefined) lines.push(`extendedKeyUsage = ${usage}`);
  return `${lines.join("\n")}\n`;
}

/** DER with a definite length. */
export function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const lengths = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...lengths]), content]);
}

/** `YYYYMMDDHHMMSSZ` */
function stamp(date: Date): string {
  return `${date.toISOString().replace(/\D/g, "").slice(0, 14)}Z`;
}
