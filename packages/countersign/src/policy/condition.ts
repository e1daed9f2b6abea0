import type { DescMessage } from "@bufbuild/protobuf";
import type { Guard } from "../core/guard.ts";
import type { Principal } from "../core/principal.ts";

/** Where a condition stands, and what it can see there. */
export interface ConditionPlace {
  /** For errors: the RPC, and where its rule is written. */
  readonly where: string;
  /** The message of the request; undefined where no descriptor says what it is. */
  readonly input: DescMessage | undefined;
}

/** Makes guards of conditions. `celConditions()` of `countersign/policy/cel` is one. */
export interface ConditionCompiler {
  /** Throws a `TypeError` that names the place and the position, for a condition that cannot be. */
  compile(source: string, place: ConditionPlace): Guard<Principal>;
}
