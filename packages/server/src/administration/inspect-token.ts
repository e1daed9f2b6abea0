import { TokenService } from "countersign/descriptors";
import { failureOf } from "../terminal/failure.ts";
import type { Administration } from "./administration.ts";

/** The parts of a token as they were read, whether or not they are to be believed. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>> | undefined;
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** What a server says of a token. */
export interface TokenVerdict {
  readonly good: boolean;
  /** Was the signature made with a key of that server? Then the parts can be believed, even if time is over. */
  readonly verified: boolean;
  /** Why not, as a server's reason and a cause. */
  readonly problem?: { readonly reason: string; readonly cause: string };
  readonly user?: { readonly id: string; readonly username: string; readonly is_active: boolean };
}

/** Takes a token apart without any check. */
export function decodeToken(token: string): DecodedToken {
  const [header = "", claims = ""] = token.split(".");
  return { header: decodePart(header), claims: decodePart(claims) };
}

/** Asks a server, or the store that it works on. */
export async function judgeToken(token: string, administration: Administration): Promise<TokenVerdict> {
  const { good, verified, reason, cause, user } = await administration.call(
    TokenService.method.inspectToken,
    {
      token,
    },
  );
  return {
    ...{ good, verified },
    ...(!good && { problem: { reason, cause } }),
    ...(user && { user: { id: String(user.id), username: user.username, is_active: user.isActive } }),
  };
}

/** Where there is nothing to ask: what is said of a token nobody can believe. */
export function unjudged(error: unknown): TokenVerdict {
  const failure = failureOf(error);
  if (failure === undefined || !["CONFIGURATION", "UNAVAILABLE"].includes(failure.status)) throw error;
  return { good: false, verified: false, problem: { reason: "UNAVAILABLE", cause: failure.message } };
}

function decodePart(part: string): DecodedToken["header"] {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
