import { useQuery } from "@connectrpc/connect-query";
import { describeError } from "../api/errors.ts";
import { PolicyService } from "../api/protos.ts";
import { text } from "../text.ts";
import { StatusBadge, type Tone } from "../ui/badge.tsx";
import { Code } from "../ui/copy.tsx";
import { Loading } from "../ui/page.tsx";

const outcomes: Readonly<Record<string, Tone>> = { allowed: "good", denied: "bad", request: "warn" };
const verdictTones: Readonly<Record<string, string>> = { passed: "text-good", refused: "text-bad" };

/** What a user's call would be answered with now, and which part of the rule says so. */
export function Explanation({ userId, procedure }: { userId: bigint; procedure: string }) {
  const query = useQuery(PolicyService.method.explain, { userId, procedure }, { retry: false });
  if (query.error) return <p className="text-soft">{describeError(query.error).detail}</p>;
  if (query.data === undefined) return <Loading lines={2} />;
  const { outcome, reason, message, steps } = query.data;
  return (
    <>
      <p className="flex flex-wrap items-center gap-2">
        <StatusBadge tone={outcomes[outcome] ?? "plain"} on={outcome === "allowed"}>
          {text.policies.outcomes[outcome as keyof typeof text.policies.outcomes] ?? outcome}
        </StatusBadge>
        {message && <span>{message}</span>}
        {reason && <Code>{reason}</Code>}
      </p>
      <ol className="mt-3 flex flex-col gap-1 border-l-2 border-line pl-4">
        {steps.map(({ depth, title, verdict }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place in the rule
          <li key={index} className="flex flex-wrap items-baseline gap-2">
            <span aria-hidden="true" className="text-faint">
              {"· ".repeat(depth)}
            </span>
            <Code>{title}</Code>
            <span className={verdictTones[verdict] ?? "text-warn"}>
              {text.policies.verdicts[verdict as keyof typeof text.policies.verdicts] ?? verdict}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
