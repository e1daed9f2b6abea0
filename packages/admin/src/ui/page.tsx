import type { UseQueryResult } from "@tanstack/react-query";
import { CircleAlert, Inbox, Lock } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { describeError, isDenied } from "../api/errors.ts";
import { text } from "../text.ts";
import { Button } from "./button.tsx";
import { RequestId } from "./request-id.tsx";

/** A page: its name, what it can do, and what it shows. */
export function Page({
  title,
  description,
  actions,
  children,
}: {
  title: string;
  description?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Countersign`;
  }, [title]);
  return (
    <div className="mx-auto flex w-full max-w-[1400px] flex-col gap-5 px-4 py-6 sm:px-8">
      <header className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 className="text-xl font-semibold tracking-tight [overflow-wrap:anywhere]">
            <bdi>{title}</bdi>
          </h1>
          {description && <p className="mt-0.5 max-w-[90ch] text-pretty text-soft">{description}</p>}
        </div>
        {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Panel({
  title,
  actions,
  children,
}: {
  title?: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="min-w-0 rounded-xl border border-line bg-panel">
      {(title || actions) && (
        <div className="flex min-h-13 flex-wrap items-center justify-between gap-3 border-b border-line px-5 py-2">
          <h2 className="font-semibold">{title}</h2>
          {actions}
        </div>
      )}
      <div className="px-5 py-4">{children}</div>
    </section>
  );
}

/** What stands where there is nothing to show, and what to do about it. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <Inbox size={28} strokeWidth={1.5} className="text-faint" aria-hidden="true" />
      <p className="font-medium">{title}</p>
      {children && <p className="max-w-[52ch] text-soft">{children}</p>}
      {action && <div className="mt-2">{action}</div>}
    </div>
  );
}

export function Failed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  if (isDenied(error)) return <Denied>{describeError(error).detail}</Denied>;
  const { title, detail, requestId } = describeError(error);
  return (
    <div role="alert" className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <CircleAlert size={28} strokeWidth={1.5} className="text-bad" aria-hidden="true" />
      <p className="font-medium">{title}</p>
      <p className="max-w-[52ch] text-soft">{detail}</p>
      {requestId && <RequestId id={requestId} />}
      <Button className="mt-2" onClick={onRetry}>
        {text.common.retry}
      </Button>
    </div>
  );
}

/** What stands in the place of something that is read, until there is something to show. */
export function Pending({
  query: { data, error, refetch },
  lines = 3,
}: {
  query: Pick<UseQueryResult, "data" | "error" | "refetch">;
  lines?: number;
}) {
  if (data !== undefined) return null;
  return error ? <Failed error={error} onRetry={() => void refetch()} /> : <Loading lines={lines} />;
}

export function Denied({ children }: { children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-10 text-center">
      <Lock size={28} strokeWidth={1.5} className="text-faint" aria-hidden="true" />
      <p className="font-medium">{text.common.denied}</p>
      <p className="max-w-[52ch] text-soft">{children ?? text.common.deniedHint}</p>
    </div>
  );
}

/** Lines of the height of what is to come: nothing jumps when it is there. */
export function Loading({ lines = 6 }: { lines?: number }) {
  return (
    <div
      role="status"
      aria-label={text.common.loading}
      className="flex animate-pulse flex-col gap-3 px-5 py-4"
    >
      {Array.from({ length: lines }, (_, line) => (
        <div key={`line-${line.toString()}`} className="h-5 rounded bg-hover" />
      ))}
    </div>
  );
}

/** Names and values, side by side. */
export function Facts({ children }: { children: ReactNode }) {
  return (
    <dl className="grid grid-cols-[minmax(min(120px,30%),max-content)_minmax(0,1fr)] gap-x-4 sm:gap-x-6 gap-y-2.5">
      {children}
    </dl>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}
