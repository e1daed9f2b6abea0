import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Client, type Metadata, type ServiceError, status } from "@grpc/grpc-js";

/** One unary call. Rejects with grpc-js's error, or with what says as much. */
export function ask<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  { metadata, timeoutMs }: { readonly metadata: Metadata; readonly timeoutMs: number },
): Promise<MessageShape<O>> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      `/${method.parent.typeName}/${method.name}`,
      (message: MessageInitShape<I>) => Buffer.from(toBinary(method.input, create(method.input, message))),
      (bytes) => fromBinary(method.output, bytes),
      request,
      metadata,
      { deadline: Date.now() + timeoutMs },
      (error: ServiceError | null, answer) => {
        if (error !== null) reject(error);
        else if (answer === undefined) reject({ code: status.INTERNAL, details: "no answer" });
        else resolve(answer);
      },
    );
  });
}
