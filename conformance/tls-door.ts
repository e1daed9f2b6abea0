import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { CertificateFiles } from "../tools/certificates.ts";
import type { ClientTls } from "./clients/client.ts";
import type { Json } from "./protos.ts";

/** The `tls` block of a listener, as YAML on one line. */
export function tlsBlock(
  { certificate, key }: CertificateFiles,
  more: Readonly<Record<string, string>> = {},
): string {
  return JSON.stringify({ certificate_file: certificate, key_file: key, ...more });
}

export interface HttpsAnswer {
  readonly status: number;
  readonly json: Json;
}

/** Asks the HTTP side by TLS, over a connection of its own. Rejects where there is none to be had. */
export function https(
  address: string,
  path: string,
  tls: ClientTls,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const own = { method: "POST", agent: false, timeout: 10_000, ...filesOf(tls) } as const;
    const call = request(`https://${address}${path}`, { ...own, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) as Json }));
    });
    call.on("error", reject);
    call.end("{}");
  });
}

/** What Node's TLS is told. */
export function filesOf({ authority, certificate, key }: ClientTls): ConnectionOptions {
  return {
    ca: readFileSync(authority),
    ...(certificate !== undefined && { cert: readFileSync(certificate) }),
    ...(key !== undefined && { key: readFileSync(key) }),
  };
}

/** A connection that says nothing. Resolves when hands are shaken. */
export function idle(address: string, tls: ClientTls): Promise<TLSSocket> {
  const { hostname, port } = new URL(`https://${address}`);
  return new Promise((resolve, reject) => {
    const options = {
      host: hostname,
      port: Number(port),
      ALPNProtocols: ["h2", "http/1.1"],
      ...filesOf(tls),
    };
    const socket = connect(options, () => resolve(socket));
    socket.on("error", reject);
    // Who does not read does not hear of the end.
    socket.resume();
  });
}

export interface Handshake {
  readonly protocol: string | null;
  readonly cipher: string;
  readonly certificate: X509Certificate | undefined;
}

/** Shakes hands as it is told, and hangs up. Rejects with what went wrong. */
export function handshake(address: string, options: ConnectionOptions): Promise<Handshake> {
  const { hostname, port } = new URL(`https://${address}`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port), ...options }, () => {
      const certificate = socket.getPeerX509Certificate();
      resolve({ protocol: socket.getProtocol(), cipher: socket.getCipher().name, certificate });
      socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed")));
  });
}

/** The serial number of the certificate that a listener shows. */
export async function servedSerial(address: string): Promise<string | undefined> {
  const { certificate } = await handshake(address, {
    rejectUnauthorized: false,
    ALPNProtocols: ["h2", "http/1.1"],
  });
  return certificate?.serialNumber;
}

export function serialOf({ certificate }: CertificateFiles): string {
  return new X509Certificate(readFileSync(certificate)).serialNumber;
}

/** Runs a program to its end, whatever that is. Its standard input stays open for the given time. */
export function finished(
  program: string,
  args: readonly string[],
  { inputMs = 0 } = {},
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: 10_000 }, (error, stdout, stderr) =>
      resolve({
        code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1,
        output: stdout + stderr,
      }),
    );
    setTimeout(() => child.stdin?.end(), inputMs);
  });
}
