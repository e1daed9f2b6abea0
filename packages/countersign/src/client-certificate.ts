/** Subpath `countersign/client-certificate`: client certificates as credentials, and as what tokens are bound to. */

export type {
  CertificateEntry,
  CertificateHolder,
  CertificateName,
  CertificateService,
} from "./authenticator/certificate-map.ts";
export { certificateThumbprint } from "./authenticator/certificate-thumbprint.ts";
export { type ClientCertificateOptions, clientCertificate } from "./authenticator/client-certificate.ts";
