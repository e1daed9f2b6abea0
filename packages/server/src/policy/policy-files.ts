import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type DeclaredPolicy, policyFromData, policyFromDescriptors } from "countersign/policy";
import { parseDocument } from "yaml";
import { ConfigError } from "../config/config-error.ts";

/** More than any policy has, so that a wrong file is noticed. */
const largest = { yaml: 4 * 1024 * 1024, descriptors: 64 * 1024 * 1024 } as const;

/** A file's YAML as plain data. Throws a `ConfigError` that names the file and the line. */
export function readYaml(path: string): unknown {
  const document = parseDocument(read(path, largest.yaml).toString("utf8"), {
    uniqueKeys: true,
    strict: true,
  });
  const [problem] = document.errors;
  if (problem !== undefined)
    throw new ConfigError(`${path}: ${problem.message.split("\n")[0] ?? "not YAML"}`);
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    throw new ConfigError(`${path}: ${(error as Error).message}`);
  }
}

/** The rules of a policy file. Throws a `ConfigError` that names the file, the RPC and the member. */
export function readPolicyFile(path: string, services: readonly DescService[]): DeclaredPolicy {
  return asConfigError(() => policyFromData(readYaml(path), { origin: basename(path), services }));
}

/** The services of a `FileDescriptorSet`, as `buf build -o FILE.binpb` and `protoc --descriptor_set_out` write it. */
export function readDescriptors(path: string): readonly DescService[] {
  const bytes = read(path, largest.descriptors);
  try {
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
    return [...registry].filter((entry) => entry.kind === "service");
  } catch (error) {
    throw new ConfigError(
      `${path} holds no descriptors: make it with \`buf build -o ${path}\` (${(error as Error).message})`,
    );
  }
}

/** A policy from what the file is: rules in YAML, or descriptors with rules in their options. */
export function readAnyPolicy(path: string, services: readonly DescService[]): DeclaredPolicy {
  if (/\.(ya?ml|json)$/.test(path)) return readPolicyFile(path, services);
  return asConfigError(() => policyFromDescriptors(readDescriptors(path)));
}

/** Does the work; what is wrong with a policy is a mistake in a file here, and not the program's. */
export function asConfigError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`policy: ${error.message}`);
    throw error;
  }
}

function read(path: string, limit: number): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ConfigError(`cannot read ${path}: ${(error as Error).message}`);
  }
  if (bytes.length > limit) throw new ConfigError(`${path} is too large to be a policy`);
  return bytes;
}
