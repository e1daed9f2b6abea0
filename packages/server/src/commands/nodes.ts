import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type Node, SystemService } from "countersign/descriptors";
import { print, printMessage } from "../terminal/output.ts";
import { type Column, instant, table } from "../terminal/table.ts";
import { addGroup, type Named } from "./command.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { listNodes } = SystemService.method;

const columns: readonly Column<Node>[] = [
  ["NODE", ({ name }) => name],
  ["STATUS", ({ status }) => status],
  ["GRPC", ({ grpcAddress }) => grpcAddress],
  ["HTTP", ({ httpAddress }) => httpAddress],
  ["VERSION", ({ version }) => version],
  ["SINCE", ({ startedAt }) => at(startedAt)],
  ["LAST SEEN", ({ lastSeenAt }) => at(lastSeenAt)],
  ["BEHIND", ({ revocationLag }) => String(revocationLag)],
];

/** `countersign nodes` */
export function addNodesCommand(program: Command, named: Named): void {
  const nodes = addGroup(program, named);
  addTargetCommand(nodes, {
    usage: "list",
    description: "each server, when it was last heard of, and how many revocations it is behind",
    more: "A server says every ten seconds that it is there. One that was silent for an hour is left out.",
    examples: ["nodes list", "nodes list --server 127.0.0.1:50051 -o json"],
  }).action((options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(listNodes, {});
      if (options.output === "json") return printMessage(listNodes.output, answer);
      print(table(columns, answer.nodes, "No server is running."));
    }),
  );
}

function at(time: Node["startedAt"]): string {
  return instant(time && timestampDate(time));
}
