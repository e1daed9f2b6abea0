import type { CertificateEntry, CertificateHolder, CertificateName } from "countersign/client-certificate";
import type { Config } from "../config/config.ts";

type Configured = Config["auth"]["client_certificates"][number];

/** The entries of the configuration, which has seen to it that each has one name and one holder. */
export function certificateEntries({ auth }: Config): readonly CertificateEntry[] {
  return auth.client_certificates.map((entry) => ({ ...nameOf(entry), ...holderOf(entry) }));
}

function nameOf({ spiffe, spiffe_under, dns, subject, common_name }: Configured): CertificateName {
  if (spiffe !== undefined) return { spiffe };
  if (spiffe_under !== undefined) return { spiffeUnder: spiffe_under };
  if (dns !== undefined) return { dns };
  return subject === undefined ? { commonName: common_name ?? "" } : { subject };
}

function holderOf({ user, user_id, name, permissions, ...flags }: Configured): CertificateHolder {
  if (user !== undefined) return { username: user };
  if (user_id !== undefined) return { userId: user_id };
  const { is_staff: isStaff, is_superuser: isSuperuser } = flags;
  return { service: { name: name ?? "", permissions, isStaff, isSuperuser } };
}
