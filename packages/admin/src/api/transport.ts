import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { currentCsrfToken } from "./session.ts";

/** Told when the session is over, or may be another one by now: so that it is read again. */
let onSessionEnd: () => void = () => {};

export function whenSessionEnds(tell: () => void): void {
  onSessionEnd = tell;
}

/** What somebody does who sits before the page. */
const doings = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
const presentForMs = 5_000;
let lastDone = Number.NEGATIVE_INFINITY;
for (const doing of doings)
  addEventListener(
    doing,
    () => {
      lastDone = performance.now();
    },
    { capture: true, passive: true },
  );

/** Whether a request comes of somebody's doing, and not of a page's looking by itself. */
function isSomebodyThere(): boolean {
  return document.visibilityState === "visible" && performance.now() - lastDone < presentForMs;
}

const requestIds = new WeakMap<object, string>();

/** By which request an answer came: the log knows it by that. */
export function requestIdOf(answer: object): string | undefined {
  return requestIds.get(answer);
}

const admitted: Interceptor = (next) => async (request) => {
  request.header.set("x-csrf-token", currentCsrfToken());
  // A page that looks by itself, while nobody does anything there, keeps no session open.
  if (!isSomebodyThere()) request.header.set("x-countersign-background", "1");
  try {
    const response = await next(request);
    const id = response.header.get("x-request-id");
    if (!response.stream && id !== null) requestIds.set(response.message, id);
    return response;
  } catch (error) {
    const { code } = ConnectError.from(error);
    // Denied is also what was sent with the token of a session that another window has ended since.
    // To ask for it keeps a session open: a page that looks by itself does not.
    if (code === Code.Unauthenticated || (code === Code.PermissionDenied && isSomebodyThere()))
      onSessionEnd();
    throw error;
  }
};

/** The same RPCs that every other client has, with the session's cookie in place of a credential. */
export const transport = createConnectTransport({ baseUrl: "/admin/rpc", interceptors: [admitted] });
