import { type Denial, type DenialDetail, denial, type Reason } from "./denial.ts";

/**
 * Thrown by the helpers that handlers use (`requireUser()`, `abortPermissionDenied()`): ends the call with a denial.
 * Its message is the application's own text and goes out as it is.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly denial: Denial;

  constructor(reason: Reason, detail: DenialDetail = {}) {
    const refused = denial(reason, detail);
    super(refused.message);
    this.denial = refused;
  }
}
