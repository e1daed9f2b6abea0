import type { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { connect } from "node:tls";
import type { Config } from "../config/config.ts";
import type { ListenAddress } from "../config/listen-address.ts";
import { loadTlsMaterial, timeFault } from "../tls/tls-material.ts";
import type { TlsMaterial, TlsSettings } from "../tls/tls-settings.ts";
import { type Check, ok, warn } from "./check.ts";

const day = 86_400_000;
const serverAuthentication = "1.3.6.1.5.5.7.3.1";
const patienceMs = 3000;

/** The certificates of the listeners. What keeps a server from starting is told with the configuration. */
export async function checkCertificates({ grpc, http }: Config, now = new Date()): Promise<readonly Check[]> {
  const checks = Object.entries({ grpc, http }).map(async ([listener, { tls, listen }]) => {
    const material = tls === undefined ? undefined : usable(`${listener}.tls`, tls);
    if (tls === undefined || material === undefined) return [];
    const name = `${listener} certificate`;
    const found = [...examine(name, tls, material, now), ...(await compareServed(name, listen, material))];
    const [{ validToDate }] = material.chain;
    return found.length > 0
      ? found
      : [ok(name, `${tls.certificate_file}, until ${validToDate.toISOString()}`)];
  });
  return (await Promise.all(checks)).flat();
}

function usable(where: string, settings: TlsSettings): TlsMaterial | undefined {
  try {
    return loadTlsMaterial(where, settings);
  } catch {
    return undefined;
  }
}

function examine(name: string, tls: TlsSettings, material: TlsMaterial, now: Date): readonly Check[] {
  const { chain, authorities } = material;
  const [leaf] = chain;
  const path = tls.certificate_file;
  const checks: (Check | undefined)[] = [
    ends(name, path, leaf, now),
    leaf.subjectAltName === undefined
      ? warn(
          name,
          `${path} names no host (subjectAltName)`,
          "clients will refuse it: make one with the host's name",
        )
      : undefined,
    leaf.keyUsage?.includes(serverAuthentication) === false
      ? warn(
          name,
          `${path} is not for servers (extended key usage)`,
          "clients will refuse it: make one for serverAuth",
        )
      : undefined,
    chain.every((each, index) => follows(each, chain[index + 1]))
      ? undefined
      : warn(
          name,
          `${path}: a certificate is not followed by its issuer's`,
          "put the chain in order, the server's own first",
        ),
    openKey(name, tls.key_file),
    ...authorities.map((authority) => ends(name, tls.client_ca_file ?? "", authority, now)),
  ];
  return checks.filter((check) => check !== undefined);
}

/** Thirty days before the end, or the last third of a short life, is the time to look after a renewal. */
function ends(name: string, path: string, certificate: X509Certificate, now: Date): Check | undefined {
  const { validFromDate, validToDate } = certificate;
  const life = validToDate.getTime() - validFromDate.getTime();
  const left = validToDate.getTime() - now.getTime();
  const fault = timeFault(certificate, now);
  if (fault !== undefined) return warn(name, `${path}: ${fault}`, "replace it; a server reads it by itself");
  if (left >= Math.min(30 * day, life / 3)) return undefined;
  const days = Math.floor(left / day);
  return warn(name, `${path} ends in ${days} days`, "renew it; a server reads the new one by itself");
}

function follows(certificate: X509Certificate, issuer: X509Certificate | undefined): boolean {
  return issuer === undefined || (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
}

function openKey(name: string, path: string): Check | undefined {
  const { mode } = statSync(path);
  if (process.platform === "win32" || (mode & 0o007) === 0) return undefined;
  return warn(name, `${path} is open to every user of this machine`, `chmod 600 ${path}`);
}

/** Has the server that runs taken up what is in the file? */
async function compareServed(
  name: string,
  listen: ListenAddress,
  { chain }: TlsMaterial,
): Promise<readonly Check[]> {
  const served = listen.port === 0 ? undefined : await servedCertificate(listen);
  if (served === undefined || served.fingerprint256 === chain[0].fingerprint256) return [];
  return [
    warn(
      name,
      `the server that runs has another certificate, until ${served.validToDate.toISOString()}`,
      "its log says why it does not use the file; kill -HUP makes it try again",
    ),
  ];
}

/** The certificate that a server shows. Undefined where none answers by TLS. Nothing is sent. */
export function servedCertificate({ host, port }: ListenAddress): Promise<X509Certificate | undefined> {
  const local = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return new Promise((resolve) => {
    // Whoever answers is only looked at.
    const socket = connect({
      ...{ host: local, port, rejectUnauthorized: false, timeout: patienceMs },
      ALPNProtocols: ["h2", "http/1.1"],
    });
    const end = (certificate: X509Certificate | undefined): void => {
      resolve(certificate);
      socket.destroy();
    };
    socket.once("secureConnect", () => end(socket.getPeerX509Certificate()));
    socket.once("timeout", () => end(undefined));
    socket.on("error", () => end(undefined));
  });
}
