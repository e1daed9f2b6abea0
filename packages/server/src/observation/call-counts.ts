import type { Decision, EndedCall, Reason } from "countersign";
import { Durations } from "./number-histogram.ts";

/** How calls of one procedure ended. */
interface ProcedureCounts {
  /** By the code of their gRPC status. */
  readonly codes: number[];
  /** Of those whose handler had the last word. */
  readonly durations: Durations;
}

type Ended = Pick<EndedCall<unknown>, "code" | "durationMs" | "denial"> & {
  readonly call: { readonly procedure: string };
};

/** The name under which everything is counted that is not served: no caller makes new labels. */
const otherProcedure = "other";

/** Counts decisions and calls as plain numbers: what is on the path of every call. Read at a scrape. */
export class CallCounts {
  /** By the name of the authenticator; the empty text for an anonymous call. */
  readonly allowed = new Map<string, number>();
  readonly refused = new Map<Reason, number>();
  readonly procedures = new Map<string, ProcedureCounts>();

  /** To be told of every procedure that is served, before the first call. */
  serve(procedures: Iterable<string>): void {
    for (const procedure of [...procedures, otherProcedure]) {
      const codes = new Array<number>(17).fill(0);
      this.procedures.set(procedure, { codes, durations: new Durations() });
    }
  }

  /** One decision. */
  decided(decision: Decision<unknown>): void {
    if (decision.ok) {
      const { authenticator = "" } = decision;
      this.allowed.set(authenticator, (this.allowed.get(authenticator) ?? 0) + 1);
      return;
    }
    const { reason } = decision.denial;
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }

  /** One call that is over. */
  ended({ call, code, durationMs, denial }: Ended): void {
    const counts = this.procedures.get(call.procedure) ?? this.procedures.get(otherProcedure);
    if (counts === undefined) throw new TypeError("serve() comes before calls");
    counts.codes[code] = (counts.codes[code] ?? 0) + 1;
    if (denial === undefined) counts.durations.add(durationMs / 1000);
  }
}
