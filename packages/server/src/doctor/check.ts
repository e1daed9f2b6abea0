/** What one look found. */
export interface Check {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  /** What was found, in one line. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
}

export function ok(name: string, detail: string): Check {
  return { name, status: "ok", detail };
}

export function warn(name: string, detail: string, remedy: string): Check {
  return { name, status: "warn", detail, remedy };
}

export function fail(name: string, detail: string, remedy?: string): Check {
  return { name, status: "fail", detail, remedy };
}
