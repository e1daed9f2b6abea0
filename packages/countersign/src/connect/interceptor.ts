import { Code, ConnectError, type Interceptor, type StreamRequest } from "@connectrpc/connect";
import { runInCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import { type Admission, admissionOf } from "./admission.ts";
import { denialError, failureError, thrownError } from "./errors.ts";
import { type Passage, passing, unlessEnded } from "./passage.ts";
import { procedureOf } from "./procedure.ts";
import { type OnError, report } from "./report.ts";
import { whenAborted } from "./when-aborted.ts";

type Next = Parameters<Interceptor>[0];

/**
 * Around each handler: no call that did not pass the gate gets through, nor one whose request its rule refuses; what it
 * throws is told or hidden, and a stream ends when its caller no longer may.
 */
export function interceptorOf<P extends Principal>(auth: Auth<P>, onError: OnError): Interceptor {
  return (next) => async (request) => {
    const procedure = procedureOf(request.method);
    const toError = (thrown: unknown): ConnectError => {
      const known = thrownError(thrown) ?? abortion(thrown, request.signal);
      if (known !== undefined) return known;
      report(onError, thrown, procedure);
      return failureError(thrown);
    };
    try {
      const admission = admissionOf(request.contextValues);
      if (request.stream)
        return await openStream(auth as unknown as Auth<Principal>, admission, request, next, toError);
      admission.followed?.receivedMessage();
      if (auth.needsRequest(procedure))
        await judge(auth as unknown as Auth<Principal>, admission, request.message);
      return await runInCall(admission.context, () => next(request));
    } catch (thrown) {
      throw toError(thrown);
    }
  };
}

async function openStream(
  auth: Auth<Principal>,
  admission: Admission,
  request: StreamRequest,
  next: Next,
  toError: (thrown: unknown) => ConnectError,
): ReturnType<Next> {
  const { context, decision, followed, connection } = admission;
  const ended = new AbortController();
  const stop = auth.watch(context.call, decision, (denial) => {
    followed?.decided({ ok: false, denial });
    ended.abort(denialError(denial));
    // An end that waits until the caller has read what came before may never come.
    connection?.hangUp?.();
  });
  // Connect aborts the signal at the end of every call, not only of cancelled ones.
  whenAborted(request.signal, stop);
  const run: Passage["run"] = (work) => runInCall(context, work);
  const passage = { ended: ended.signal, run };
  const asked = auth.needsRequest(context.call.procedure)
    ? judged(auth, admission, request.message)
    : request.message;
  const message = passing(asked, {
    ...passage,
    toError: unreadable,
    onMessage: () => followed?.receivedMessage(),
  });
  const response = await unlessEnded(
    ended.signal,
    run(() => next({ ...request, message } as StreamRequest)),
  );
  if (!response.stream) return response;
  const answers: AsyncIterable<unknown> = passing<unknown>(response.message, {
    ...passage,
    toError,
    onMessage: () => followed?.sentMessage(),
  });
  return { ...response, message: answers } as typeof response;
}

/** The rule's last word, on what was asked for. Throws what the caller is told instead of an answer. */
async function judge(
  auth: Auth<Principal>,
  { context, decision, followed }: Admission,
  message: unknown,
): Promise<void> {
  const last = await auth.judgeRequest(context.call, decision, message);
  followed?.decided(last);
  if (!last.ok) throw denialError(last.denial);
}

/** The one request of a stream of answers, once it has passed: the handler begins with it. */
async function* judged<T>(
  auth: Auth<Principal>,
  admission: Admission,
  messages: AsyncIterable<T>,
): AsyncIterable<T> {
  for await (const message of messages) {
    await judge(auth, admission, message);
    yield message;
  }
}

/** Connect says what is wrong with a message; anything else says that no more will come. */
function unreadable(thrown: unknown): ConnectError {
  return thrown instanceof ConnectError ? thrown : new ConnectError("The caller has left", Code.Canceled);
}

/** What a handler throws because its caller has left, or its time is up, is no failure of the handler's. */
function abortion(thrown: unknown, signal: AbortSignal): ConnectError | undefined {
  if (!signal.aborted) return undefined;
  if (thrown !== signal.reason && (thrown as Partial<Error> | undefined)?.name !== "AbortError")
    return undefined;
  return ConnectError.from(signal.reason, Code.Canceled);
}
