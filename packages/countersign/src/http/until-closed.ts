/** An answer of Node's, or a connection that was taken over. Of answers over HTTP/2, the stream says whether it is gone. */
export interface Closing {
  readonly destroyed?: boolean;
  readonly stream?: { readonly destroyed: boolean } | undefined;
  once(event: "close", listener: () => void): unknown;
}

/** It is closed, and will not say so again. */
export function isClosed(closing: Closing): boolean {
  return (closing.stream ?? closing).destroyed === true;
}

/**
 * Begins to watch an admitted caller, until its answer or its connection is closed. False: that was before, and nothing is
 * to run.
 */
export function watchUntilClosed(closing: Closing, watch: () => () => void): boolean {
  if (isClosed(closing)) return false;
  closing.once("close", watch());
  return true;
}
