import type { FollowedCall } from "../core/followed-call.ts";
import { errorResponse, named, untilEnded, type Watched } from "./fetch-answer.ts";
import { endUnheard, endWith } from "./follow-response.ts";
import { type JsonError, toldBy } from "./json-error.ts";

/** Follows a request of the Fetch standard for `onCallEnd`, where somebody wants to know, and names it to the caller. */
export class FetchTrail<P> {
  readonly #followed: FollowedCall<P> | undefined;
  readonly #method: string;

  constructor(followed: FollowedCall<P> | undefined, { method }: Pick<Request, "method">) {
    this.#followed = followed;
    this.#method = method;
  }

  /** Refused, or failed. */
  failed(error: JsonError): Response {
    this.#followed?.end(...toldBy(error));
    return this.name(errorResponse(error));
  }

  /** The handler's answer, which ends when its caller no longer may. */
  answered(given: Response, watched: Watched): Response {
    // Servers drop the body of an answer to HEAD without a word: its end would never come.
    const response = this.#method === "HEAD" ? new Response(null, given) : given;
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

  /** The same, before there was an answer: nobody reads this one. */
  unheard(): Response {
    this.left();
    return new Response(null, { status: 499 });
  }

  name(response: Response): Response {
    return this.#followed === undefined ? response : named(response, this.#followed);
  }
}
