import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { NodeRequest } from "../../http/http-call.ts";

/** Why the signal of a call is aborted that its caller has ended. Made once: an error costs as much as a decision. */
const left = new ConnectError("The caller has left", Code.Canceled);

/** A request of Node's as Connect takes it from every server. */
export function universalRequest(
  request: NodeRequest,
  response: { once(event: "close", listener: () => void): unknown },
  { url, contextValues }: { readonly url: string; readonly contextValues: ContextValues | undefined },
): UniversalServerRequest {
  const { httpVersion, method = "" } = request;
  const leaving = new AbortController();
  // A request of HTTP/1.1 closes when its body was read: https://github.com/nodejs/node/issues/40775
  response.once("close", () => leaving.abort(left));
  return {
    httpVersion,
    method,
    url,
    header: headersOf(request),
    // Leaving a loop over the body destroys the connection by default, and the answer with it.
    body: request.iterator({ destroyOnReturn: false }),
    signal: leaving.signal,
    ...(contextValues !== undefined && { contextValues }),
  };
}

/** Joined where they came several times: what reads credentials asks Node's request instead. */
function headersOf({ headers }: NodeRequest): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) all.append(name, each);
  }
  return all;
}
