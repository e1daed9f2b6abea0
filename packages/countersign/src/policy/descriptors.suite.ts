import {
  create,
  createFileRegistry,
  type DescService,
  type MessageInitShape,
  setExtension,
} from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FileOptionsSchema,
  MethodOptionsSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { PolicySchema, permissions, policy, service_policy } from "../gen/auth/v1/policy_pb.ts";

export type PolicyInit = MessageInitShape<typeof PolicySchema>;

export interface TestService {
  readonly methods: Readonly<Record<string, PolicyInit | undefined>>;
  readonly service?: PolicyInit;
  readonly permissions?: readonly string[];
  /** Methods that take a stream. */
  readonly streams?: readonly string[];
}

/** `acme.Orders`, as a compiler would describe it. Every method takes `acme.Order { int64 user_id = 1; string name = 2; }`. */
export function describedService(given: TestService): DescService {
  const fileOptions = create(FileOptionsSchema);
  setExtension(fileOptions, permissions, [...(given.permissions ?? [])]);
  const serviceOptions = create(ServiceOptionsSchema);
  if (given.service !== undefined)
    setExtension(serviceOptions, service_policy, create(PolicySchema, given.service));
  const method = ([name, rule]: [string, PolicyInit | undefined]) => {
    const options = create(MethodOptionsSchema);
    if (rule !== undefined) setExtension(options, policy, create(PolicySchema, rule));
    const clientStreaming = given.streams?.includes(name) ?? false;
    return { name, inputType: ".acme.Order", outputType: ".acme.Order", options, clientStreaming };
  };
  const file = create(FileDescriptorProtoSchema, {
    ...{ name: "acme.proto", package: "acme", syntax: "proto3", options: fileOptions },
    messageType: [
      {
        name: "Order",
        field: [
          { name: "user_id", number: 1, type: 3, label: 1, jsonName: "userId" },
          { name: "name", number: 2, type: 9, label: 1, jsonName: "name" },
        ],
      },
    ],
    service: [{ name: "Orders", options: serviceOptions, method: Object.entries(given.methods).map(method) }],
  });
  const service = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getService(
    "acme.Orders",
  );
  if (service === undefined) throw new Error("no service");
  return service;
}
