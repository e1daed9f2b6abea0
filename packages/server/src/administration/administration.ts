import type {
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";

/** The services for administrators of `auth.v1`, wherever they are: in this process or behind a server. */
export interface Administration {
  /** Calls one method. Rejects with what `failureOf()` understands. */
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M["input"]>,
  ): Promise<MessageShape<M["output"]>>;
  /** Calls one that answers with a stream. Throws as `call()` rejects. */
  stream<M extends DescMethodServerStreaming>(
    method: M,
    request: MessageInitShape<M["input"]>,
  ): AsyncIterable<MessageShape<M["output"]>>;
  close(): Promise<void>;
}
