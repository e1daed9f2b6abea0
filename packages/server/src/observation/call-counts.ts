import type { Decision, EndedCall, Reason } from "countersign";
import { AuthService } from "countersign/service";
import { Durations } from "./number-histogram.ts";

/** How calls of one procedure ended. */
interface ProcedureCounts {
  /** By the code of their gRPC status. */
  readonly codes: number[];
  /** Of those whose handler had the last word. */
  readonly durations: Durations;
  /** By the reason of a refusal, OK or ERROR: of logins alone. */
  readonly outcomes: Map<string, number> | undefined;
}

type Ended = Pick<EndedCall<unknown>, "code" | "durationMs" | "denial" | "reason"> & {
  readonly call: { readonly procedure: string };
};

/** The name under which everything is counted that is not served: no caller makes new labels. */
const otherProcedure = "other";

const { login: loginMethod } = AuthService.method;
const login = `/${loginMethod.parent.typeName}/${loginMethod.name}`;

/** Counts decisions and calls as plain numbers: what is on the path of every call. Read at a scrape. */
export class CallCounts {
  /** By the name of the authenticator; the empty text for an anonymous call. */
  readonly allowed = new Map<string, number>();
  /** By the name of the authenticator that knew the credential, or the empty text; then by reason. */
  readonly refused = new Map<string, Map<Reason, number>>();
  readonly procedures = new Map<string, ProcedureCounts>();
  readonly logins = new Map<string, number>();

  /** To be told of every procedure that is served, before the first call. */
  serve(procedures: Iterable<string>): void {
    for (const procedure of [...procedures, otherProcedure]) {
      const codes = new Array<number>(17).fill(0);
      const outcomes = procedure === login ? this.logins : undefined;
      this.procedures.set(procedure, { codes, durations: new Durations(), outcomes });
    }
  }

  /** One decision. */
  decided(decision: Decision<unknown>): void {
    if (decision.ok) {
      const { authenticator = "" } = decision;
      this.allowed.set(authenticator, (this.allowed.get(authenticator) ?? 0) + 1);
      return;
    }
    const { reason, authenticator = "" } = decision.denial;
    let reasons = this.refused.get(authenticator);
    if (reasons === undefined) {
      reasons = new Map();
      this.refused.set(authenticator, reasons);
    }
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }

  /** One call that is over. */
  ended({ call, code, durationMs, denial, reason }: Ended): void {
    const counts = this.procedures.get(call.procedure) ?? this.procedures.get(otherProcedure);
    if (counts === undefined) throw new TypeError("serve() comes before calls");
    counts.codes[code] = (counts.codes[code] ?? 0) + 1;
    if (denial === undefined) counts.durations.add(durationMs / 1000);
    if (counts.outcomes === undefined) return;
    const outcome = reason ?? (code === 0 ? "OK" : "ERROR");
    counts.outcomes.set(outcome, (counts.outcomes.get(outcome) ?? 0) + 1);
  }
}
