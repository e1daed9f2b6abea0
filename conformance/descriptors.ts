import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, type DescMethod, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { binFolder } from "./clients/python/stubs.ts";
import { protoFolder } from "./protos.ts";
import { scratchFolder } from "./scratch.ts";

let registry: FileRegistry | undefined;

/** The method behind `/package.Service/Method` for Protobuf-ES, as buf reads the protos: once per process. */
export function describedMethod(procedure: string): DescMethod {
  registry ??= build();
  const [, service = "", name = ""] = procedure.split("/");
  const method = registry.getService(service)?.methods.find((each) => each.name === name);
  if (method === undefined) throw new Error(`no proto has ${procedure}`);
  return method;
}

function build(): FileRegistry {
  const out = join(scratchFolder(), "protos.binpb");
  execFileSync(join(binFolder, "buf"), ["build", protoFolder, "--output", out]);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(out)));
}
