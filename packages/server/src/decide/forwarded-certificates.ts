import { X509Certificate } from "node:crypto";

/** What a proxy forwards of its callers' certificates. */
export interface ForwardedCertificates {
  /** DER of a certificate, of its PEM in URL encoding. Undefined for what no authority here has signed, or is none, or not now. */
  read(text: string): Uint8Array | undefined;
}

export interface ForwardedCertificatesOptions {
  /** Who is believed about clients at the moment: whoever has signed a client's own certificate. The same array until that changes. */
  readonly authorities: () => readonly X509Certificate[];
  /** Default: 4,096. */
  readonly capacity?: number;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
}

/** Good while it and its authority are, in milliseconds since the epoch. */
interface Known {
  readonly from: number;
  readonly to: number;
  /** The same array each time: what is known of a certificate is kept by it. */
  readonly der: Uint8Array;
}

const longestText = 16_384;
const pem = /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE-----\n?$/;

/**
 * That a caller has the key is the proxy's to see, at the handshake. Whom to believe is decided here: proxies also forward
 * what they were told to accept unverified. Signatures are looked at once for each certificate, and the time at each call.
 */
export function createForwardedCertificates({
  authorities,
  capacity = 4096,
  now = Date.now,
}: ForwardedCertificatesOptions): ForwardedCertificates {
  const known = new Map<string, Known>();
  let believed = authorities();

  function remember(text: string): Known | undefined {
    const certificate = parse(text);
    if (certificate === undefined || !isForClients(certificate)) return undefined;
    const authority = believed.find(
      (each) => each.ca && certificate.checkIssued(each) && certificate.verify(each.publicKey),
    );
    if (authority === undefined) return undefined;
    const [oldest] = known.size < capacity ? [] : known.keys();
    if (oldest !== undefined) known.delete(oldest);
    const both = [certificate, authority];
    const found: Known = {
      from: Math.max(...both.map(({ validFromDate }) => validFromDate.getTime())),
      to: Math.min(...both.map(({ validToDate }) => validToDate.getTime())),
      der: certificate.raw,
    };
    // Strangers make what was not believed, as much of it as they like: only what was is remembered.
    known.set(text, found);
    return found;
  }

  return {
    read(text) {
      if (text === "" || text.length > longestText) return undefined;
      const current = authorities();
      if (current !== believed) {
        known.clear();
        believed = current;
      }
      const found = known.get(text) ?? remember(text);
      if (found === undefined) return undefined;
      const at = now();
      return found.from <= at && at <= found.to ? found.der : undefined;
    },
  };
}

function parse(text: string): X509Certificate | undefined {
  try {
    const [, body] = pem.exec(decodeURIComponent(text)) ?? [];
    return body === undefined ? undefined : new X509Certificate(Buffer.from(body, "base64"));
  } catch {
    return undefined;
  }
}

/** Extended key usage (RFC 5280 section 4.2.1.12), as TLS looks at it: none, or for clients among others. */
function isForClients({ keyUsage }: X509Certificate): boolean {
  return keyUsage === undefined || keyUsage.includes("1.3.6.1.5.5.7.3.2");
}
