import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** By connection, since a certificate is the same for all of its requests. */
const certificates = new WeakMap<Socket, Uint8Array | undefined>();

/** DER of the client certificate of a connection, where TLS has verified it; never of one that it merely received. */
export function peerCertificate(socket: Socket): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const known = certificates.get(socket);
  if (known !== undefined || certificates.has(socket)) return known;
  const certificate = socket.getPeerX509Certificate()?.raw;
  certificates.set(socket, certificate);
  return certificate;
}
