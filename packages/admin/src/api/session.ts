/** What the server tells of the session: nothing that is kept anywhere but in this page's memory. */
export interface Session {
  readonly csrfToken: string;
  readonly environment: string;
}

let csrfToken = "";

/** What every request sends besides the cookie, which no script can see. */
export function currentCsrfToken(): string {
  return csrfToken;
}

/** A refusal of the admin's own door. */
export class SessionError extends Error {
  override name = "SessionError";
  readonly status: number;
  readonly reason: string | undefined;
  /** Seconds. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, reason?: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

export async function readSession(): Promise<Session | undefined> {
  const response = await fetch("/admin/session");
  if (response.status === 204 || response.status === 401) return undefined;
  return sessionOf(response);
}

export interface LoginForm {
  readonly username: string;
  readonly password: string;
  readonly otpCode: string;
}

export async function logIn({ username, password, otpCode }: LoginForm): Promise<void> {
  const response = await fetch("/admin/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username, password, otp_code: otpCode }),
  });
  await sessionOf(response);
}

/** Throws where the session goes on. */
export async function logOut(): Promise<void> {
  const response = await fetch("/admin/session", {
    method: "DELETE",
    headers: { "x-csrf-token": csrfToken },
  });
  // 401: there was none any more.
  if (!response.ok && response.status !== 401) await sessionOf(response);
  csrfToken = "";
}

async function sessionOf(response: Response): Promise<Session> {
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (!response.ok) {
    const after = Number(response.headers.get("retry-after") ?? Number.NaN);
    throw new SessionError(
      response.status,
      String(body["message"] ?? response.statusText),
      typeof body["reason"] === "string" ? body["reason"] : undefined,
      Number.isFinite(after) ? after : undefined,
    );
  }
  csrfToken = String(body["csrf_token"]);
  return { csrfToken, environment: String(body["environment"] ?? "") };
}
