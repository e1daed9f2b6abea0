import type { DescService } from "@bufbuild/protobuf";
import type { ServiceHandlers } from "countersign/grpc";

/** A service and what implements it, for any door. */
export interface ServedService {
  readonly descriptor: DescService;
  readonly handlers: ServiceHandlers<DescService>;
  /** By local name: what makes the bytes of a method's answers over gRPC, where Protobuf-ES would take too long. */
  readonly encoders?: Readonly<Record<string, Encode>> | undefined;
}

type Encode = (answer: never) => Buffer;

/** The one with the other. */
export function served<S extends DescService>(
  descriptor: S,
  handlers: ServiceHandlers<S>,
  encoders?: Readonly<Partial<Record<keyof S["method"], Encode>>>,
): ServedService {
  return {
    descriptor,
    handlers: handlers as ServiceHandlers<DescService>,
    encoders: encoders as Record<string, Encode>,
  };
}
