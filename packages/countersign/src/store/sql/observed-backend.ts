import { Unavailable } from "../../core/call-error.ts";
import { Conflict } from "../contracts.ts";
import type { StoreObserver, StoreOperation } from "../observation.ts";
import type { SqlBackend } from "./sql-backend.ts";

export interface ObservedBackend {
  readonly backend: SqlBackend;
  /** Transactions that are under way or wait for their turn. */
  readonly writing: () => number;
}

/** A backend whose transactions, and readings on the hot path, an observer hears of. */
export function observedBackend(plain: SqlBackend, observe: StoreObserver | undefined): ObservedBackend {
  let writing = 0;
  const ended = (kind: StoreOperation["kind"], began: number, outcome: StoreOperation["outcome"]): void =>
    observe?.({ kind, milliseconds: performance.now() - began, outcome });
  const writes =
    (write: SqlBackend["write"]): SqlBackend["write"] =>
    async (work) => {
      const began = performance.now();
      writing += 1;
      try {
        const result = await write(work);
        ended("write", began, "ok");
        return result;
      } catch (error) {
        ended("write", began, outcomeOf(error));
        throw error;
      } finally {
        writing -= 1;
      }
    };
  const write = writes((work) => plain.write(work));
  const writeLater = writes((work) => plain.writeLater(work));
  const { prepareFirst } = plain;
  const prepared: SqlBackend["prepareFirst"] =
    prepareFirst === undefined || observe === undefined
      ? prepareFirst
      : <Row>(sql: string) => {
          const first = prepareFirst<Row>(sql);
          return (parameter: string | bigint) => {
            const began = performance.now();
            try {
              const row = first(parameter);
              ended("read", began, "ok");
              return row;
            } catch (error) {
              ended("read", began, outcomeOf(error));
              throw error;
            }
          };
        };
  return { backend: { ...plain, write, writeLater, prepareFirst: prepared }, writing: () => writing };
}

/** What an observer is told of a statement's failure. */
export function outcomeOf(error: unknown): StoreOperation["outcome"] {
  if (error instanceof Unavailable) return "unavailable";
  return error instanceof Conflict || error instanceof RangeError || error instanceof TypeError
    ? "refused"
    : "failed";
}
