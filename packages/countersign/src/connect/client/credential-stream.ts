import type { StreamRequest, StreamResponse } from "@connectrpc/connect";
import { newStreamId, StreamRenewer, streamHeader } from "../../client/stream-renewer.ts";
import { type Around, anotherFor, showing } from "./one-try.ts";
import { ReplayableMessages } from "./replayable-messages.ts";

/** A stream with a credential. It is made once more with another one if it was refused before anything came back. */
export async function streamed(
  request: StreamRequest,
  value: string,
  around: Around,
): Promise<StreamResponse> {
  const messages = new ReplayableMessages(request.message);
  const begin = (shown: string): Promise<StreamResponse> =>
    begun(request, shown, messages.fromStart(), around);
  const again = async (error: unknown): Promise<StreamResponse> => {
    if (!messages.isWhole) throw error;
    const response = await begin(await anotherFor(error, value, request, around.credential));
    messages.release();
    return response;
  };
  let response: StreamResponse;
  try {
    response = await begin(value);
  } catch (error) {
    return again(error);
  }
  return { ...response, message: untilAnswered(response, { messages, again }) };
}

/** One try. It is renewed for as long as it is open. */
async function begun(
  request: StreamRequest,
  value: string,
  message: StreamRequest["message"],
  { credential, next, renewStream: renew }: Around,
): Promise<StreamResponse> {
  const call = { ...showing(request, credential, value), message };
  const own = call.header.has(streamHeader);
  if (renew === undefined || credential.dueInMs === undefined || own)
    return (await next(call)) as StreamResponse;
  const streamId = newStreamId();
  call.header.set(streamHeader, streamId);
  const renewer = new StreamRenewer(streamId, value, { credential, renew });
  request.signal.addEventListener("abort", () => renewer.stop(), { once: true });
  try {
    const response = (await next(call)) as StreamResponse;
    return { ...response, message: toTheEnd(response.message, () => renewer.stop()) };
  } catch (error) {
    renewer.stop();
    throw error;
  }
}

interface Retry {
  readonly messages: ReplayableMessages<unknown>;
  readonly again: (error: unknown) => Promise<StreamResponse>;
}

/** The answers of a stream; where it fails before the first one, those of the next try. */
function untilAnswered(first: StreamResponse, { messages, again }: Retry): StreamResponse["message"] {
  return {
    [Symbol.asyncIterator]() {
      let iterator = first.message[Symbol.asyncIterator]();
      let second: StreamResponse | undefined;
      const next: typeof iterator.next = async () => {
        try {
          const result = await iterator.next();
          messages.release();
          // What the caller holds is the answer of the first try: what came with the other one goes there.
          if (result.done === true && second !== undefined) copy(second.trailer, first.trailer);
          return result;
        } catch (error) {
          if (second !== undefined) throw error;
          second = await again(error);
          copy(second.header, first.header);
          iterator = second.message[Symbol.asyncIterator]();
          return next();
        }
      };
      return {
        next,
        return: async (value?: unknown) => (await iterator.return?.(value)) ?? { done: true, value },
      };
    },
  } as StreamResponse["message"];
}

/** The same messages; says when there will be no more, for whatever reason. */
function toTheEnd(messages: StreamResponse["message"], ended: () => void): StreamResponse["message"] {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const result = await iterator.next();
            if (result.done === true) ended();
            return result;
          } catch (error) {
            ended();
            throw error;
          }
        },
        async return(value?: unknown) {
          ended();
          return (await iterator.return?.(value)) ?? { done: true, value };
        },
      };
    },
  } as StreamResponse["message"];
}

function copy(from: Headers, to: Headers): void {
  for (const [name, value] of from) to.set(name, value);
}
