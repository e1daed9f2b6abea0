import { details } from "../terminal/table.ts";

/** What PolicyService explains. */
export interface Answer {
  readonly rule?:
    | { readonly procedure: string; readonly rule: string; readonly source: string; readonly origin: string }
    | undefined;
  readonly outcome: string;
  readonly reason: string;
  readonly message: string;
  readonly steps: readonly { readonly depth: number; readonly title: string; readonly verdict: string }[];
}

const outcomes: Readonly<Record<string, string>> = {
  allowed: "allowed",
  request: "depends on the request",
};

/** The same for people. `caller`: how it is called. */
export function answerText(caller: string, { rule, outcome, reason, message, steps }: Answer): string {
  const lines = steps.map(
    ({ depth, title, verdict }) => `  ${verdict.padEnd(7)}  ${"  ".repeat(depth)}${title}\n`,
  );
  return [
    details([
      ["caller", caller],
      ["RPC", rule?.procedure ?? ""],
      ["rule", rule?.rule ?? ""],
      ["from", rule?.origin || rule?.source || ""],
      ["outcome", outcomes[outcome] ?? `refused: ${message} (${reason})`],
    ]),
    ...(lines.length > 1 ? ["\n", ...lines] : []),
  ].join("");
}
