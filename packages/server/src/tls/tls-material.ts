import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { ConfigError } from "../config/config-error.ts";
import { contextOptions, type TlsMaterial, type TlsSettings } from "./tls-settings.ts";

/** The files of a `tls` block. */
export function tlsFilesOf(settings: TlsSettings): readonly string[] {
  const { certificate_file: certificate, key_file: key, client_ca_file: authorities } = settings;
  return [certificate, key, ...(authorities === undefined ? [] : [authorities])];
}

/** Reads and checks the files. A `ConfigError` of one line for what a server cannot use: file, cause, remedy. */
export function loadTlsMaterial(where: string, settings: TlsSettings): TlsMaterial {
  const problem = (member: string, path: string, text: string): ConfigError =>
    new ConfigError(`${where}.${member} ${path} ${text}; there is no falling back to plain text`);
  const read = (member: string, path: string): Buffer =>
    readMaterial(path, (text) => problem(member, path, text));
  const { certificate_file: certificatePath, key_file: keyPath, client_ca_file: authorityPath } = settings;
  const [certificate, key] = [read("certificate_file", certificatePath), read("key_file", keyPath)];
  const chain = certificatesIn(certificate);
  const [leaf, ...above] = chain ?? [];
  if (leaf === undefined)
    throw problem(
      "certificate_file",
      certificatePath,
      "holds no certificate in PEM: name one with its chain",
    );
  const fault = keyFault(leaf, key);
  if (fault !== undefined) throw problem("key_file", keyPath, fault);
  const time = timeFault(leaf, new Date());
  if (time !== undefined) throw problem("certificate_file", certificatePath, `${time}: renew it`);
  const authorities = authorityPath === undefined ? [] : authoritiesOf(authorityPath, problem);
  const material: TlsMaterial = { certificate, key, chain: [leaf, ...above], authorities };
  try {
    createSecureContext(contextOptions(settings, material));
  } catch (error) {
    throw problem("certificate_file", certificatePath, `cannot be used: ${(error as Error).message}`);
  }
  return material;
}

type ProblemOf = (member: string, path: string, text: string) => ConfigError;

function authoritiesOf(path: string, problemOf: ProblemOf): readonly X509Certificate[] {
  const problem = (text: string): ConfigError => problemOf("client_ca_file", path, text);
  const authorities = readAuthorities(path, problem);
  if (authorities.every((authority) => timeFault(authority, new Date()) !== undefined))
    throw problem("holds no authority that is valid now: renew it");
  return authorities;
}

/** Makes an error of what is wrong with a file, in words that follow its name. */
type Problem = (text: string) => ConfigError;

/** The authorities of clients in a file, at least one. */
export function readAuthorities(path: string, problem: Problem): readonly X509Certificate[] {
  const authorities = certificatesIn(readMaterial(path, problem)) ?? [];
  if (authorities.length === 0) throw problem("holds no certificate in PEM: name the clients' authority");
  return authorities;
}

function readMaterial(path: string, problem: Problem): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw problem(`cannot be read (${code}): name a file that this user may read`);
  }
}

/** Every certificate that stands in a file. Undefined if one of them is none. */
function certificatesIn(pem: Buffer): readonly X509Certificate[] | undefined {
  const blocks = pem
    .toString("latin1")
    .match(
      /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g,
    );
  try {
    return (blocks ?? []).map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function keyFault(certificate: X509Certificate, pem: Buffer): string | undefined {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // "ENCRYPTED PRIVATE KEY", or "Proc-Type: 4,ENCRYPTED" in older files.
    return pem.includes("ENCRYPTED")
      ? "is encrypted: a key without a passphrase is needed, in a file that only this user may read"
      : "holds no private key in PEM: name the key of the certificate";
  }
  return certificate.checkPrivateKey(key)
    ? undefined
    : "is not the key of the certificate: name the one that it was made with";
}

/** Why a certificate is not valid at this moment. */
export function timeFault({ validFromDate, validToDate }: X509Certificate, now: Date): string | undefined {
  if (now < validFromDate) return `is not valid before ${validFromDate.toISOString()}`;
  return now > validToDate ? `expired at ${validToDate.toISOString()}` : undefined;
}
