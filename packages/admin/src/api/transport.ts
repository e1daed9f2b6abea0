import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { currentCsrfToken } from "./session.ts";

/** Told when the session is over, so that the page asks to log in. */
let onSessionEnd: () => void = () => {};

export function whenSessionEnds(tell: () => void): void {
  onSessionEnd = tell;
}

const admitted: Interceptor = (next) => async (request) => {
  request.header.set("x-csrf-token", currentCsrfToken());
  // A page that looks by itself, while nobody looks at it, keeps no session open.
  if (document.visibilityState === "hidden") request.header.set("x-countersign-background", "1");
  try {
    return await next(request);
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unauthenticated) onSessionEnd();
    throw error;
  }
};

/** The same RPCs that every other client has, with the session's cookie in place of a credential. */
export const transport = createConnectTransport({ baseUrl: "/admin/rpc", interceptors: [admitted] });
