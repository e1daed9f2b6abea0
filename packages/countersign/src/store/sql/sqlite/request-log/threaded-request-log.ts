import { Worker } from "node:worker_threads";
import { StoreUnavailable } from "../../../contracts.ts";
import { pageLimit } from "../../../page-limit.ts";
import type {
  RequestBatch,
  RequestLog,
  RequestPage,
  RequestPoint,
  RequestQuery,
  RequestRecord,
  RequestRetention,
  RequestStatistics,
  SeriesQuery,
  StatisticsQuery,
  StoredRequest,
} from "../../../request-contracts.ts";
import { PackedRequests } from "../../../request-log/packed-requests.ts";
import type { Answered, Asked, ThreadData } from "./thread-messages.ts";

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A request log in SQLite, in a thread of its own. The thread keeps a process alive only while it is asked something. */
export class ThreadedRequestLog implements RequestLog {
  readonly #data: ThreadData;
  readonly #pending = new Map<number, Pending>();
  #thread: Worker | undefined;
  #asked = 0;
  #closing = false;

  constructor(data: ThreadData) {
    this.#data = data;
  }

  async append(rows: Iterable<RequestRecord>, dropped = 0, batch?: RequestBatch): Promise<void> {
    await this.#ask("append", PackedRequests.of(rows).message(), dropped, batch);
  }

  async list(query: RequestQuery): Promise<RequestPage> {
    pageLimit(query.limit);
    return this.#ask<RequestPage>("list", query);
  }

  async since(id: number, limit: number): Promise<readonly StoredRequest[]> {
    return this.#ask<readonly StoredRequest[]>("since", id, pageLimit(limit));
  }

  head(): Promise<number> {
    return this.#ask<number>("head");
  }

  statistics(query: StatisticsQuery): Promise<RequestStatistics> {
    return this.#ask<RequestStatistics>("statistics", query);
  }

  series(query: SeriesQuery): Promise<readonly RequestPoint[]> {
    return this.#ask<readonly RequestPoint[]>("series", query);
  }

  async prune(now: number, retention: RequestRetention): Promise<void> {
    await this.#ask("prune", now, retention);
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    this.#closing = true;
    const ended = new Promise((resolve) => thread.once("exit", resolve));
    await this.#ask("close");
    await ended;
  }

  #ask<T>(method: Asked["method"], ...args: readonly unknown[]): Promise<T> {
    this.#thread ??= this.#start();
    this.#thread.ref();
    this.#asked += 1;
    const id = this.#asked;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject });
      this.#thread?.postMessage({ id, method, args } satisfies Asked);
    });
  }

  #start(): Worker {
    // From source it is a file of TypeScript.
    const file = import.meta.url.endsWith(".ts") ? "./request-thread.ts" : "./request-thread.js";
    const thread = new Worker(new URL(file, import.meta.url), {
      workerData: this.#data,
      name: "request log",
    });
    thread.on("message", (answered: Answered) => this.#answered(answered));
    thread.on("error", (error) => this.#lost(thread, error));
    thread.on("exit", () => this.#lost(thread, undefined));
    return thread;
  }

  #answered({ id, result, failure }: Answered): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0 && !this.#closing) this.#thread?.unref();
    if (failure === undefined) pending?.resolve(result);
    else
      pending?.reject(
        failure.unavailable ? new StoreUnavailable(failure.message) : new Error(failure.message),
      );
  }

  /** It was ended from outside. The next call starts another. */
  #lost(thread: Worker, cause: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    const error = new StoreUnavailable(`database ${this.#data.path}: its thread has ended; try again`, {
      cause,
    });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
