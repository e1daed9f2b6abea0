import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";

const cancelled = 1;

/** The answers of a stream, one by one, until it ends or the signal is aborted. Rejects with what `toFailure` makes of an error. */
export async function* answersOf<S extends DescMessage>(
  stream: ClientReadableStream<MessageShape<S>>,
  signal: AbortSignal | undefined,
  toFailure: (error: ServiceError) => Error,
): AsyncGenerator<MessageShape<S>> {
  const leave = (): void => stream.cancel();
  signal?.addEventListener("abort", leave, { once: true });
  if (signal?.aborted) leave();
  try {
    yield* stream as AsyncIterable<MessageShape<S>>;
  } catch (error) {
    if (signal?.aborted && (error as ServiceError).code === cancelled) return;
    throw toFailure(error as ServiceError);
  } finally {
    signal?.removeEventListener("abort", leave);
    stream.cancel();
  }
}
