import { type RedisOptions as ClientOptions, Redis } from "ioredis";
import { StoreUnavailable } from "../contracts.ts";
import { CircuitBreaker } from "../sql/circuit-breaker.ts";
import { isRefusal, isRepliedFailure, isReply, redisFailure, withoutCommand } from "./redis-error.ts";
import type { RedisTarget } from "./redis-target.ts";

/** Nobody waits for a connection. What else a call takes has to fit into the two seconds within which an answer is due. */
const answerMs = 1200;
const connectMs = 1200;
const longestPauseMs = 500;

/** What all connections have in common: nothing waits for a server that is away, and nothing is sent twice. */
const patience = {
  connectionName: "countersign",
  protocol: 2,
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  connectTimeout: connectMs,
  disconnectTimeout: 100,
  keepAlive: 10_000,
  retryStrategy: (times: number) => Math.min(times * 50, longestPauseMs) * (0.5 + Math.random() / 2),
} as const satisfies ClientOptions;

/** A connection that is made anew for as long as it is not closed. `onTrouble` hears of what ends it. */
export function createClient({ config }: RedisTarget, onTrouble: (error: Error) => void): Redis {
  const client = new Redis({ ...config, ...patience });
  // What the client tells holds the command that failed, and that may be the one with the password.
  client.on("error", (error: Error) => onTrouble(withoutCommand(error)));
  // Between the connection and its being ready there are commands, which nobody times but here.
  client.on("connect", () => {
    const stuck = (): void => {
      if (client.status === "connect") client.disconnect(true);
    };
    setTimeout(() => setImmediate(stuck), connectMs).unref();
  });
  return client;
}

/** Rejects if an answer takes too long. */
export function inTime<T>(work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    // After an event loop that stood still, what has arrived meanwhile is read before anybody is blamed.
    const late = (): unknown => setImmediate(() => reject(new Error(noAnswer)));
    const timer = setTimeout(late, answerMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** What was asked of a server and how that ended: `refused`, it answered with an error; `unavailable`, it did not. */
export interface RedisCommand {
  readonly milliseconds: number;
  readonly outcome: "ok" | "refused" | "unavailable";
}

/** Hears of every command. It must not throw. */
export type RedisObserver = (command: RedisCommand) => void;

const noAnswer = `no answer in ${answerMs} ms`;

/** One connection for commands, behind a circuit breaker. */
export class RedisConnection {
  readonly name: string;
  readonly #client: Redis;
  readonly #breaker: CircuitBreaker;
  readonly #observe: RedisObserver | undefined;
  #closed = false;
  /** Why there is no connection. */
  #trouble: Error | undefined;
  /** Why the connection that is there is not what was asked for: the client goes on with another database than the one of its URL. */
  #refused: Error | undefined;

  /** `onError` hears once of each time that the server goes away. */
  constructor(target: RedisTarget, onError: (error: Error) => void, observe?: RedisObserver) {
    this.name = target.name;
    this.#observe = observe;
    this.#breaker = new CircuitBreaker({ name: target.name });
    const trouble = (error: Error): void => {
      const first = this.#trouble === undefined;
      this.#trouble = error;
      if (isRefusal(error)) this.#refused = error;
      if (first && !this.#closed) onError(redisFailure(target.name, error));
    };
    this.#client = createClient(target, trouble);
    this.#client.on("close", () => trouble(this.#trouble ?? new Error("the connection has ended")));
    this.#client.on("connect", () => {
      this.#refused = undefined;
    });
    this.#client.on("ready", () => {
      this.#trouble = this.#refused;
    });
  }

  /**
   * Resolves when the server has answered, or when it is known to be away: then it is looked for until `close()`. Rejects
   * with `StoreUnavailable` if it is there and does not want us.
   */
  async open(): Promise<void> {
    try {
      await this.#client.connect();
    } catch {
      // What is wrong was told by an event.
    }
    if (this.#refused !== undefined) throw redisFailure(this.name, this.#refused);
  }

  /** Is the server taken to be away, or does it not want us? */
  get isAway(): boolean {
    return this.#refused !== undefined || this.#client.status !== "ready" || this.#breaker.isOpen;
  }

  /** Runs commands. Rejects with `StoreUnavailable` while the server is away, within two seconds and soon at once. */
  async run<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const observe = this.#observe;
    if (observe === undefined) return this.#run(work);
    const began = performance.now();
    let outcome: RedisCommand["outcome"] = "unavailable";
    try {
      const answer = await this.#run(work);
      outcome = "ok";
      return answer;
    } catch (error) {
      if (isRepliedFailure(error)) outcome = "refused";
      throw error;
    } finally {
      observe({ milliseconds: performance.now() - began, outcome });
    }
  }

  close(): void {
    this.#closed = true;
    this.#client.disconnect();
  }

  async #run<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    this.#breaker.admit();
    try {
      if (this.#refused !== undefined) throw this.#refused;
      if (this.#client.status !== "ready") throw this.#trouble ?? new Error("there is no connection");
      const answer = await inTime(work(this.#client));
      this.#breaker.answered();
      return answer;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (isReply(error)) this.#breaker.answered();
      else this.#lost(error);
      throw error instanceof StoreUnavailable ? error : redisFailure(this.name, error);
    }
  }

  #lost(error: Error): void {
    this.#breaker.failed(withoutCommand(error));
    // A connection that nothing comes from is as good as none.
    if (error.message === noAnswer && this.#client.status === "ready") this.#client.disconnect(true);
  }
}
