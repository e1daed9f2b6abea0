/** A call that is over, as the request log keeps it. No credential and no message. */
export interface RequestRecord {
  /** What the caller was told as `x-request-id`. Not unique: a caller may choose it. */
  readonly requestId: string;
  /** When it ended, in milliseconds since the epoch. */
  readonly at: number;
  readonly durationMs: number;
  readonly procedure: string;
  readonly protocol: string;
  /** A gRPC status code. */
  readonly code: number;
  /** Of a refusal, by the rule or by the handler; else undefined. A log keeps it beside a code other than 0 only. */
  readonly reason: string | undefined;
  readonly userId: string | undefined;
  readonly apiKeyId: string | undefined;
  readonly authenticator: string | undefined;
  /** `address` or `address:port`. */
  readonly peer: string | undefined;
  readonly userAgent: string | undefined;
  readonly received: number;
  readonly sent: number;
  /** The rule that decided, as it read then. */
  readonly rule: string | undefined;
  /** The part of it that refused. */
  readonly missing: string | undefined;
  readonly tenantId: string | undefined;
}

/** A record with its place in the log. */
export interface StoredRequest extends RequestRecord {
  /** Rises in the order of writing. */
  readonly id: number;
}

/** What must all hold. A member that is absent does not matter. */
export interface RequestFilter {
  readonly userId?: string | undefined;
  readonly apiKeyId?: string | undefined;
  readonly status?: "success" | "error" | undefined;
  /** One of them; an empty list means any. */
  readonly codes?: readonly number[] | undefined;
  readonly reason?: string | undefined;
  readonly procedure?: string | undefined;
  readonly protocol?: string | undefined;
  readonly authenticator?: string | undefined;
  readonly requestId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** Ended then or later, in milliseconds since the epoch. */
  readonly since?: number | undefined;
  /** Ended before that. */
  readonly until?: number | undefined;
  /** Part of the procedure, user agent, address or request id, without regard to the case of ASCII letters. */
  readonly text?: string | undefined;
}

/** Where a row stands in the log, which shows the newest first. */
export interface RequestPosition {
  readonly at: number;
  readonly id: number;
}

export interface RequestQuery {
  readonly filter: RequestFilter;
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: RequestPosition | undefined;
}

export interface RequestPage {
  /** Newest first; equal instants in descending order of id. */
  readonly rows: readonly StoredRequest[];
  /**
   * Where to go on. Undefined: there is nothing more. A page may be short and yet not the last: a search that finds little
   * stops after a while, and says how far it came.
   */
  readonly next: RequestPosition | undefined;
}

/** What statistics can be about. */
export type RequestDimension = "procedure" | "apiKey" | "user" | "reason" | "code";

/** How calls went. */
export interface RequestFigures {
  readonly calls: number;
  /** Those that ended with a code other than 0. */
  readonly errors: number;
  /** Milliseconds, at most 5 % off; undefined where there were no calls. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
}

/** A stretch of time, in milliseconds since the epoch; the end is not part of it. */
export interface TimeRange {
  readonly since: number;
  readonly until: number;
}

export interface StatisticsQuery extends TimeRange {
  /** Only the calls with this value. Default: all. */
  readonly of?: { readonly dimension: RequestDimension; readonly value: string } | undefined;
  /** Only the calls of those who belong to this tenant, as far as that was known. */
  readonly tenantId?: string | undefined;
  /** Which lists are wanted. Default: all. */
  readonly lists?: readonly RequestDimension[] | undefined;
  /** How many of each list. */
  readonly top: number;
}

export interface RequestStatistics extends RequestFigures {
  /** What the figures are about: what was asked for, to whole minutes, and to hours or days where minutes are not kept any more. */
  readonly range: TimeRange;
  /** Calls that were not written because the writer did not keep up. They are in no other figure. */
  readonly dropped: number;
  /** Those with the most calls first. Empty where the statistics are of one value, or the list is not wanted. */
  readonly by: Readonly<Record<RequestDimension, readonly RequestGroup[]>>;
}

export interface RequestGroup extends RequestFigures {
  readonly value: string;
}

export type RequestStep = "minute" | "hour" | "day";

export interface SeriesQuery extends Omit<StatisticsQuery, "top" | "lists"> {
  readonly step: RequestStep;
}

/** One step of a series. Steps without calls are left out. */
export interface RequestPoint extends RequestFigures {
  readonly since: number;
}

/** Which batch of whom this is. */
export interface RequestBatch {
  /** Whoever writes, by a name that nobody else has. */
  readonly writer: string;
  /** Rises from 1; the next one comes when this one is known to be written. */
  readonly number: number;
}

/** What a log may hold. */
export interface RequestRetention {
  /** Rows that ended longer ago go. */
  readonly maxAgeMs: number;
  /** Bytes; the oldest rows go first. */
  readonly maxBytes: number;
}

/**
 * Calls that were served and refused. Rows and the statistics made of them are written together, so that the two agree. Every
 * method rejects with `StoreUnavailable` while the database cannot be used.
 */
export interface RequestLog {
  /**
   * Appends rows, all or none. `dropped`: how many more there would have been. A `batch` that was written before, though its
   * writer never heard so, is not written again; it is remembered for 30 days. The rows are read before it resolves, not after.
   */
  append(rows: Iterable<RequestRecord>, dropped?: number, batch?: RequestBatch): Promise<void>;
  list(query: RequestQuery): Promise<RequestPage>;
  /** The rows written after `id`, in the order of writing. */
  since(id: number, limit: number): Promise<readonly StoredRequest[]>;
  /** The id of the newest row; 0 for an empty log. */
  head(): Promise<number>;
  statistics(query: StatisticsQuery): Promise<RequestStatistics>;
  series(query: SeriesQuery): Promise<readonly RequestPoint[]>;
  /** Removes what need not be kept, in small portions. */
  prune(now: number, retention: RequestRetention): Promise<void>;
  /** Waits for what is under way. Nothing may be called after it. */
  close(): Promise<void>;
}
