import { AsyncLocalStorage } from "node:async_hooks";
import { denial } from "../core/denial.ts";
import { errorResponse } from "./fetch-answer.ts";
import { denialError } from "./json-error.ts";

/** Requests on their way through an app in which others than guarded routes may answer. */
export class Passages {
  readonly #passages = new AsyncLocalStorage<{ isAdmitted: boolean }>();

  /** A guard let this one in. */
  admitted(): void {
    const passage = this.#passages.getStore();
    if (passage !== undefined) passage.isAdmitted = true;
  }

  /** The app's answer. Refused, if no guard let the request in and the answer tells anything. */
  async through(request: Request, ask: () => Response | Promise<Response>): Promise<Response> {
    const passage = { isAdmitted: false };
    const response = await this.#passages.run(passage, ask);
    if (passage.isAdmitted || !isTelling(request, response)) return response;
    response.body?.cancel().catch(() => {});
    return errorResponse(denialError(denial("PERMISSION_DENIED")));
  }
}

/** Not refusals, redirections, and preflights of other middleware. */
function isTelling({ method }: Request, { status, body }: Response): boolean {
  if (status >= 400) return false;
  return body !== null || (status < 300 && method !== "OPTIONS");
}
