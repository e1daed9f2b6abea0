import { type FormEvent, useEffect, useState } from "react";
import { logIn, SessionError } from "../api/session.ts";
import { Mark } from "../shell/shell.tsx";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";

/** Name and password, and a code where the account has a second factor. */
export function Login({ onDone }: { onDone: () => void }) {
  const [needsCode, setNeedsCode] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = `${text.login.title} · Countersign`;
  }, []);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(undefined);
    try {
      await logIn({
        username: String(form.get("username")),
        password: String(form.get("password")),
        otpCode: String(form.get("otp_code") ?? "").replace(/\s/g, ""),
      });
      onDone();
    } catch (error) {
      setBusy(false);
      if (error instanceof SessionError && error.reason === "MFA_REQUIRED" && !needsCode)
        return setNeedsCode(true);
      setProblem(problemOf(error));
    }
  }

  return (
    <main className="flex min-h-dvh items-center justify-center px-4 py-10">
      <div className="w-full max-w-[360px]">
        <div className="mb-6 flex flex-col items-center gap-3 text-center">
          <Mark size={44} />
          <h1 className="text-lg font-semibold tracking-tight">{text.login.title}</h1>
        </div>
        <form
          onSubmit={(event) => void submit(event)}
          className="flex flex-col gap-4 rounded-xl border border-line bg-panel p-6"
        >
          <TextField label={text.login.username} name="username" autoComplete="username" required autoFocus />
          <TextField
            label={text.login.password}
            name="password"
            type="password"
            autoComplete="current-password"
            required
          />
          {needsCode && (
            <TextField
              label={text.login.code}
              hint={text.login.codeHint}
              name="otp_code"
              autoComplete="one-time-code"
              required
              autoFocus
            />
          )}
          <div
            aria-live="polite"
            className={problem ? "rounded-md bg-bad-soft px-3 py-2 text-bad" : "sr-only"}
          >
            {problem}
          </div>
          <Button type="submit" look="primary" busy={busy} className="justify-center">
            {text.login.submit}
          </Button>
        </form>
      </div>
    </main>
  );
}

function problemOf(error: unknown): string {
  if (!(error instanceof SessionError)) return text.login.unreachable;
  if (error.retryAfter !== undefined) return text.login.wait(error.message, error.retryAfter);
  return error.message;
}
