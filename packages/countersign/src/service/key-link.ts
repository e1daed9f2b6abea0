import { createHash, hkdfSync, randomBytes } from "node:crypto";
import { createSeal } from "../session/seal.ts";
import type { ApiKeyStore, NewKeyLink } from "../store/api-key-contracts.ts";

/** How long a link can be used. */
export const linkLifetimeMs = 24 * 3_600_000;

const purpose = "API key by link";
const tokenForm = /^[\w-]{43}$/;

/** A key under a token that only the link has: what is stored tells neither the token nor the key. */
export function sealForLink(key: string, now: Date): { readonly token: string; readonly link: NewKeyLink } {
  const token = randomBytes(32).toString("base64url");
  const sealed = createSeal(sealingKey(token)).seal(Buffer.from(key), purpose);
  return {
    token,
    link: { digest: digestOf(token), sealed, expiresAt: new Date(now.getTime() + linkLifetimeMs) },
  };
}

/** What a link led to. */
export type RevealedKey =
  | { readonly kind: "revealed"; readonly key: string; readonly apiKeyId: string }
  | { readonly kind: "gone"; readonly revealedAt: Date | undefined }
  | { readonly kind: "unknown" };

/** Gives a key out, once. `address`: from where it was asked for, for the audit log. */
export async function revealKey(
  apiKeys: Pick<ApiKeyStore, "reveal">,
  token: string,
  address: string | undefined,
): Promise<RevealedKey> {
  if (!tokenForm.test(token)) return { kind: "unknown" };
  const found = await apiKeys.reveal(digestOf(token), address);
  if (found.kind !== "revealed") return found;
  const plain = createSeal(sealingKey(token)).open(found.sealed, purpose);
  return { kind: "revealed", key: Buffer.from(plain).toString(), apiKeyId: found.apiKeyId };
}

/** The digest and the key are made apart: whoever has the one has nothing of the other. */
function digestOf(token: string): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(`link ${token}`).digest());
}

function sealingKey(token: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", token, new Uint8Array(0), `countersign ${purpose}`, 32));
}
