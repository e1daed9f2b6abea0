import { relative } from "node:path";
import type { Store } from "countersign/store";
import { loadConfig } from "../config/config.ts";
import type { FirstAccounts } from "../demo/first-accounts.ts";
import type { Node } from "../node.ts";

export interface DevOptions {
  readonly config?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `countersign dev`: everything on, users and a key to try it with, on this machine only. */
export async function dev(options: DevOptions): Promise<void> {
  const config = loadConfig({ file: options.config, environment: "development", createSecrets: true });
  // Only now: what is wrong with a configuration is said at once.
  const { runNode } = await import("./run-node.ts");
  await runNode(config, async (node) => {
    const { firstAccounts } = await import("../demo/first-accounts.ts");
    const accounts = await seed(node.store, () => firstAccounts(node.store, config));
    return options.json ? jsonLine(node, accounts) : welcome(node, accounts, relative("", config.data));
  });
}

/** Only an empty store gets accounts: a second start changes nothing and has no secret to print. */
async function seed<T>(store: Store, make: () => Promise<T | undefined>): Promise<T | undefined> {
  const [someone] = await store.users.list({ limit: 1 });
  return someone === undefined ? make() : undefined;
}

function jsonLine(node: Node, accounts: FirstAccounts | undefined): string {
  const { grpcAddress: grpc, httpAddress: http } = node;
  const users = (accounts?.users ?? []).map(({ username, password }) => ({ username, password }));
  return `${JSON.stringify({ grpc, http, users, apiKey: accounts?.apiKey })}\n`;
}

function welcome(node: Node, accounts: FirstAccounts | undefined, data: string): string {
  const { grpcAddress: grpc, httpAddress: http } = node;
  const lines = [
    "",
    `  gRPC   ${grpc}`,
    `  HTTP   http://${http}`,
    `  admin  http://${http}/admin/`,
    `  data   ${data}`,
    "",
  ];
  if (accounts === undefined) {
    lines.push("  There are accounts here already: nothing was made, and no secret is shown again.");
    lines.push("  A new key:       npx countersign keys create --user alice --name mine");
    lines.push("  A new password:  npx countersign users set-password alice", "");
    return `${lines.join("\n")}\n`;
  }
  const width = Math.max(...accounts.users.map(({ username }) => username.length));
  lines.push("  Made for you, and shown only now:", "");
  for (const { username, password, kind } of accounts.users) {
    lines.push(`    ${username.padEnd(width)}  ${password}  (${kind})`);
  }
  lines.push(
    "",
    `    an API key of alice's: ${accounts.apiKey}`,
    "",
    "  Try it, in another terminal in this folder:",
    "",
  );
  for (const command of commands(grpc, accounts.apiKey)) lines.push(`    ${command}`, "");
  return `${lines.join("\n")}\n`;
}

function commands(grpc: string, key: string): readonly string[] {
  const call = "npx -y @bufbuild/buf@1.75.0 curl --protocol grpc --http2-prior-knowledge";
  const service = `http://${grpc}/api.users.UserService`;
  return [
    `${call} -H "x-api-key: ${key}" -d '{"user_id":"1"}' ${service}/GetUser`,
    `${call} -H "x-api-key: ${key}" -d '{"bio":"Hello"}' ${service}/UpdateProfile`,
    `${call} -H "authorization: Bearer $(npx countersign tokens mint --user sam)" -d '{}' ${service}/ListAllUsers`,
  ];
}
