import type { DescService } from "@bufbuild/protobuf";
import type { ServiceHandlers } from "countersign/grpc";

/** A service and what implements it, for any door. */
export interface ServedService {
  readonly descriptor: DescService;
  readonly handlers: ServiceHandlers<DescService>;
}

/** The one with the other. */
export function served<S extends DescService>(descriptor: S, handlers: ServiceHandlers<S>): ServedService {
  return { descriptor, handlers: handlers as ServiceHandlers<DescService> };
}
