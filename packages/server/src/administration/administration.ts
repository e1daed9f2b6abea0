import type { DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

/** `auth.v1.UserService`, `auth.v1.ApiKeyService` and `auth.v1.RoleService`, wherever they are: in this process or behind a server. */
export interface Administration {
  /** Calls one method. Rejects with what `failureOf()` understands. */
  call<M extends DescMethodUnary>(
    method: M,
    request: MessageInitShape<M["input"]>,
  ): Promise<MessageShape<M["output"]>>;
  close(): Promise<void>;
}
