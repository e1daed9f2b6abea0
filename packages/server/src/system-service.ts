import type { DescService } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { SystemService } from "countersign/descriptors";
import type { ServiceHandlers } from "countersign/grpc";
import type { Store } from "countersign/store";
import { stringify } from "yaml";
import { describeConfig } from "./administration/describe-config.ts";
import type { Config } from "./config/config.ts";
import { readNodes, type SeenNode } from "./nodes.ts";
import { requestTemplate } from "./request-template.ts";

export interface SystemParts {
  readonly services: () => readonly DescService[];
  readonly store: Pick<Store, "nodes" | "revocations">;
  /** Which node this is; undefined for none that serves. */
  readonly nodeId?: string | undefined;
}

/** `auth.v1.SystemService`, over the configuration that this node was started with. */
export function createSystemService(
  config: Config,
  { services, store, nodeId }: SystemParts,
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
    async listNodes() {
      const { nodes, head } = await readNodes(store);
      return { nodes: nodes.map((node) => nodeMessage(node, nodeId)), revocationHead: BigInt(head) };
    },
  };
}

function nodeMessage(node: SeenNode, nodeId: string | undefined) {
  const { id, name, version, grpcAddress, httpAddress } = node;
  return {
    ...{ id, name, version, grpcAddress, httpAddress },
    startedAt: timestampFromDate(node.startedAt),
    lastSeenAt: timestampFromDate(node.lastSeenAt),
    status: node.isSilent ? "silent" : "serving",
    current: id === nodeId,
    revocationLag: BigInt(node.revocationLag),
    revocationsKnownAt: timestampFromDate(node.revocationsKnownAt),
  };
}
