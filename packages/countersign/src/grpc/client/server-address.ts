import { isIP } from "node:net";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { isLoopback } from "../../client/loopback.ts";

/** How a server is reached by TLS. Everything in PEM. */
export interface ClientTls {
  /** Whose certificates are believed. Default: those that the system believes. */
  readonly ca?: string | Uint8Array | undefined;
  /** A client certificate with its chain. */
  readonly certificate?: string | Uint8Array | undefined;
  /** With `certificate`. */
  readonly key?: string | Uint8Array | undefined;
}

/** Where a server is, and what a connection to it begins with. */
export interface ServerAddress {
  readonly target: string;
  readonly credentials: ChannelCredentials;
}

/**
 * Reads `HOST:PORT`, or `unix:PATH` for a socket's file. A credential is sent in clear to this machine only: everything else is
 * TLS, and this machine too where `tls` is there. A TypeError for what is none, or cannot be used.
 */
export function readServerAddress(address: string, tls: ClientTls | undefined): ServerAddress {
  const local = /^unix:(\/\/\/|\/)?[^/\0][^\0]*$/.test(address) || isLoopback(hostOf(address));
  const plain = tls === undefined && local;
  return { target: address, credentials: plain ? credentials.createInsecure() : secured(tls ?? {}) };
}

/** Without brackets. */
function hostOf(address: string): string {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(address);
  const [, v6, name, port = "0"] = match ?? [];
  if (match === null || Number(port) < 1 || Number(port) > 65_535 || (v6 !== undefined && isIP(v6) !== 6))
    throw new TypeError(
      "address is HOST:PORT, such as auth.example.com:443 or 127.0.0.1:50051, or unix:/PATH of a socket",
    );
  return v6 ?? name ?? "";
}

function secured({ ca, certificate, key }: ClientTls): ChannelCredentials {
  if ((certificate === undefined) !== (key === undefined))
    throw new TypeError("tls.certificate and tls.key go together");
  try {
    return credentials.createSsl(bytes(ca), bytes(key), bytes(certificate));
  } catch (error) {
    throw new TypeError(`tls cannot be used: ${(error as Error).message}`);
  }
}

function bytes(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
