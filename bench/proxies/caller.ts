import { GoProgram } from "../go/go-program.ts";

/** What `steady-calls.go` is asked for. Bodies are base64. */
export interface Order {
  readonly kind: "grpc" | "http";
  readonly address: string;
  readonly path: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly calls: readonly {
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly expected: string;
  }[];
  readonly rate: number;
  readonly milliseconds: number;
}

export interface Result {
  /** Milliseconds of each call. */
  readonly took: readonly number[];
  readonly wrong: number;
}

/** The caller, compiled and started. */
export function startCaller(): GoProgram<Order, Result> {
  return new GoProgram("steady-calls.go");
}
