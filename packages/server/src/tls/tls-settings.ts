import { constants, type X509Certificate } from "node:crypto";
import type { SecureContextOptions, TlsOptions } from "node:tls";
import type { Config } from "../config/config.ts";

/** The `tls` block of a listener. */
export type TlsSettings = NonNullable<Config["grpc"]["tls"]>;

/** What the files of a `tls` block hold. */
export interface TlsMaterial {
  /** PEM, as it stands in the files. */
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** The server's own certificate, then what stands behind it in the file. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  /** Who is believed about clients; empty where they are not asked. */
  readonly authorities: readonly X509Certificate[];
}

/** What RFC 9325 section 4.2 recommends for TLS 1.2, and all of TLS 1.3: forward secrecy and authenticated encryption. */
const ciphers = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  // Keys of 112 bits of security (RSA 2048) and no SHA-1, of clients as well. Node 22 would do with less.
  "@SECLEVEL=2",
].join(":");

/** How long a client may take to shake hands, in milliseconds. */
export const handshakeTimeoutMs = 10_000;

/** Does the listener ask its clients for certificates? */
export function asksClients({ client_certificates: wanted }: TlsSettings): boolean {
  return wanted !== "none";
}

/** What can change while a listener listens. */
export function contextOptions(settings: TlsSettings, material: TlsMaterial): SecureContextOptions {
  const asks = asksClients(settings);
  return {
    cert: material.certificate,
    key: material.key,
    // Without this, a client would be believed whom any public authority knows.
    ...(asks && { ca: material.authorities.map((authority) => authority.toString()) }),
    minVersion: settings.min_version,
    ciphers,
    honorCipherOrder: true,
    // A resumed session is not verified again (CVE-2025-68121): where clients are verified, each connection is new.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (asks ? constants.SSL_OP_NO_TICKET : 0),
  };
}

/** What a server is made with. */
export function serverOptions(settings: TlsSettings, material: TlsMaterial): TlsOptions {
  return {
    ...contextOptions(settings, material),
    requestCert: asksClients(settings),
    rejectUnauthorized: settings.client_certificates === "required",
    handshakeTimeout: handshakeTimeoutMs,
  };
}
