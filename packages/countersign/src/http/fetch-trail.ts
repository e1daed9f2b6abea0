import type { FollowedCall } from "../core/followed-call.ts";
import { errorResponse, named, untilEnded, type Watched } from "./fetch-answer.ts";
import { endUnheard, endWith } from "./follow-response.ts";
import { type JsonError, toldBy } from "./json-error.ts";

/** Follows a request of the Fetch standard for `onCallEnd`, where somebody wants to know, and names it to the caller. */
export class FetchTrail<P> {
  readonly #followed: FollowedCall<P> | undefined;

  constructor(followed: FollowedCall<P> | undefined) {
    this.#followed = followed;
  }

  /** Refused, or failed. */
  failed(error: JsonError): Response {
    this.#followed?.end(...toldBy(error));
    return this.name(errorResponse(error));
  }

  /** The handler's answer, which ends when its caller no longer may. */
  answered(response: Response, watched: Watched): Response {
    if (this.#followed === undefined) return untilEnded(response, watched);
    return this.name(
      untilEnded(response, watched, (complete) => {
        if (complete) this.ended(response.status);
        else this.left();
      }),
    );
  }

  /** All of an answer with this status is out. */
  ended(status: number): void {
    if (this.#followed !== undefined) endWith(this.#followed, status);
  }

  /** The caller has left, or was cut off. */
  left(): void {
    if (this.#followed !== undefined) endUnheard(this.#followed);
  }

  name(response: Response): Response {
    return this.#followed === undefined ? response : named(response, this.#followed);
  }
}
