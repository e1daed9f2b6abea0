import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";

/**
 * Would these authorities have believed the client of a connection that others believed? Follows the signatures from
 * its certificate up to one that an authority has made. For what no new handshake can be asked.
 */
export function stillTrusted(socket: TLSSocket, authorities: readonly X509Certificate[]): boolean {
  const chain = chainOf(socket);
  for (const [index, certificate] of chain.entries()) {
    if (
      authorities.some((authority) => certificate.raw.equals(authority.raw) || signed(authority, certificate))
    )
      return true;
    const above = chain[index + 1];
    if (above === undefined || !above.ca || !signed(above, certificate)) return false;
  }
  return false;
}

function signed(authority: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

const longestChain = 10;

/** The client's certificate, and what it was believed by. The last one is its own issuer. */
function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < longestChain) {
    chain.push(new X509Certificate(next.raw));
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}
