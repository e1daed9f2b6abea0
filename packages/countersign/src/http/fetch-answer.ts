import { isPromise, type MaybePromise } from "../core/decision.ts";
import type { Denial } from "../core/denial.ts";
import { requestIdHeader } from "../core/request-id.ts";
import type { CorsAnswer } from "./cors.ts";
import { denialError, type JsonError } from "./json-error.ts";

/** A refusal or a failure as a `Response`. */
export function errorResponse({ status, headers, body }: JsonError): Response {
  const all = new Headers({ "content-type": "application/json", "cache-control": "no-store" });
  for (const [name, value] of Object.entries(headers)) {
    for (const each of typeof value === "string" ? [value] : value) all.append(name, each);
  }
  return new Response(`${JSON.stringify(body)}\n`, { status, headers: all });
}

/** The same answer, with what a browser must know. */
export function withCors(response: Response, { headers }: CorsAnswer): Response {
  if (headers.length === 0) return response;
  const all = new Headers(response.headers);
  for (const [name, value] of headers) {
    if (name === "vary") all.append(name, value);
    else all.set(name, value);
  }
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers: all });
}

/** A caller who is being watched, from before there was an answer. */
export interface Watched {
  /** Is told when the caller no longer may, at once if that was before. */
  onEnd(end: (denial: Denial) => void): void;
  stop(): void;
}

/** Watches a caller: what has no end of its own ends when the answer does. */
export function watching(watch: (end: (denial: Denial) => void) => () => void): Watched {
  let ended: Denial | undefined;
  let end = (_denial: Denial): void => {};
  const stop = watch((denial) => {
    ended = denial;
    end(denial);
  });
  return {
    stop,
    onEnd(given) {
      end = given;
      if (ended !== undefined) given(ended);
    },
  };
}

/** The decision, or nothing if its caller has left before it was there. */
export function unlessLeft<T>(
  deciding: MaybePromise<T>,
  request: Pick<Request, "signal">,
): MaybePromise<T | undefined> {
  if (!isPromise(deciding)) return deciding;
  // Asked for now: some servers tell only who was there before.
  const { signal } = request;
  return deciding.then((decision) => (signal.aborted ? undefined : decision));
}

/** The same answer, under the name by which the caller can ask about it. */
export function named(response: Response, { requestId }: { readonly requestId: string }): Response {
  const { body, status, statusText } = response;
  const headers = new Headers(response.headers);
  headers.set(requestIdHeader, requestId);
  return new Response(body, { status, statusText, headers });
}

/**
 * The same answer, whose body breaks off when its caller no longer may; a refusal, if that was before it was there. One of
 * known length is left as it is. `over` hears once that all of it is out, or that it never will be.
 */
export function untilEnded(
  response: Response,
  watched: Watched,
  over: (complete: boolean) => void = () => {},
): Response {
  const { body, status, statusText, headers } = response;
  if (body === null || headers.has("content-length")) {
    watched.stop();
    over(true);
    return response;
  }
  let refusal: Denial | undefined;
  watched.onEnd((denial) => {
    refusal = denial;
  });
  if (refusal !== undefined) {
    over(false);
    body.cancel().catch(() => {});
    return errorResponse(denialError(refusal));
  }
  const reader = body.getReader();
  const guarded = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        watched.onEnd(() => {
          over(false);
          controller.error(new Error("the caller no longer may"));
          reader.cancel().catch(() => {});
        });
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        watched.stop();
        over(true);
        controller.close();
      },
      cancel(reason) {
        watched.stop();
        over(false);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(guarded, { status, statusText, headers });
}
