import type { ReactNode } from "react";

const tones = {
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  accent: "bg-accent-soft text-accent",
  plain: "bg-hover text-soft",
} as const;

export type Tone = keyof typeof tones;

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span
      className={`inline-flex max-w-full items-center gap-1 whitespace-nowrap rounded-full px-2 py-0.5 text-xs font-medium ${tones[tone]}`}
    >
      {children}
    </span>
  );
}

/** A state in a word, with a dot that says the same without colour vision: filled for what works. */
export function StatusBadge({ tone, on, children }: { tone: Tone; on: boolean; children: ReactNode }) {
  return (
    <Badge tone={tone}>
      <span
        aria-hidden="true"
        className={`size-1.5 rounded-full border border-current ${on ? "bg-current" : "bg-transparent"}`}
      />
      {children}
    </Badge>
  );
}
