import { fileURLToPath } from "node:url";
import { loadSync, type MethodDefinition, type PackageDefinition } from "@grpc/proto-loader";

/** Where the protos lie. */
export const protoFolder = fileURLToPath(new URL("../proto", import.meta.url));

/** A message as JSON has it: the proto's field names, 64-bit integers as strings, bytes in base64. */
export type Json = Readonly<Record<string, unknown>>;

export type Method = MethodDefinition<object, object>;

const definition: PackageDefinition = loadSync(
  [
    "api/users/users.proto",
    "auth/v1/audit.proto",
    "auth/v1/users.proto",
    "auth/v1/api_keys.proto",
    "auth/v1/auth.proto",
    "auth/v1/signing_keys.proto",
    "auth/v1/tokens.proto",
    "auth/v1/logs.proto",
    "auth/v1/roles.proto",
    "auth/v1/limits.proto",
    "envoy/service/auth/v3/external_auth.proto",
    "grpc/health/v1/health.proto",
  ],
  { includeDirs: [protoFolder], keepCase: true, longs: String, bytes: String, enums: String, defaults: true },
);

const methods = new Map<string, Method>();
for (const service of Object.values(definition)) {
  if ("format" in service) continue;
  for (const method of Object.values(service as Record<string, Method>)) methods.set(method.path, method);
}

/** The method behind `/package.Service/Method`, with proto-loader's own (de)serializers. */
export function methodAt(procedure: string): Method {
  const method = methods.get(procedure);
  if (method === undefined) throw new Error(`no proto has ${procedure}`);
  return method;
}
