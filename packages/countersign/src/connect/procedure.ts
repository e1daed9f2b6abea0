import type { DescMethod } from "@bufbuild/protobuf";

/** The name of an RPC, as policies have it. */
export function procedureOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}
