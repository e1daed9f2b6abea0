import type { DescService } from "@bufbuild/protobuf";
import type { ServiceHandlers } from "countersign/grpc";
import type { SystemService } from "countersign/service";
import { stringify } from "yaml";
import { describeConfig } from "./administration/describe-config.ts";
import type { Config } from "./config/config.ts";
import { requestTemplate } from "./request-template.ts";

/** `auth.v1.SystemService`, over the configuration that this node was started with. */
export function createSystemService(
  config: Config,
  services: () => readonly DescService[],
): ServiceHandlers<typeof SystemService> {
  const started = performance.now();
  return {
    getConfiguration: () => ({
      configuration: stringify(describeConfig(config)),
      source: config.source ?? "",
      environment: config.environment,
      database: config.secrets.databaseUrl === undefined ? "sqlite" : "postgresql",
      runtime: process.version,
      uptime: BigInt(Math.floor((performance.now() - started) / 1000)),
    }),
    listProcedures: () => ({
      procedures: services().flatMap(({ typeName, methods }) =>
        methods.map(({ name, methodKind, input }) => ({
          procedure: `/${typeName}/${name}`,
          kind: methodKind,
          template: JSON.stringify(requestTemplate(input), null, 2),
        })),
      ),
    }),
  };
}
