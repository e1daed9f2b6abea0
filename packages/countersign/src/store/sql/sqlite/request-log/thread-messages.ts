import type { RequestLog } from "../../../request-contracts.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly path: string;
  /** Milliseconds since the epoch, for tests. */
  readonly now: SharedArrayBuffer | undefined;
}

/** A call of the log's, on its way to the thread. */
export interface Asked {
  readonly id: number;
  readonly method: keyof RequestLog;
  readonly args: readonly unknown[];
}

/** What came of it. */
export interface Answered {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: { readonly message: string; readonly unavailable: boolean };
}
