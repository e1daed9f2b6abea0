import type { Command } from "commander";
import type { Administration } from "../administration/administration.ts";
import { findCredential } from "../administration/credential.ts";
import { UsageError } from "../terminal/failure.ts";
import { addCommand, type CommandOptions, type CommandSpec, perform } from "./command.ts";

/** What commands about users and keys can be told: on which store, or on which server. */
export interface TargetOptions extends CommandOptions {
  readonly server?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly credentialFile?: string | undefined;
}

/** A command that acts on the store of the configuration, or by gRPC on a server. */
export function addTargetCommand(parent: Command, spec: CommandSpec): Command {
  return addCommand(parent, spec)
    .option(
      "--server <host:port>",
      "act on a running server instead of the store, by gRPC; with TLS unless it is on this machine (https://HOST:PORT: there, too)",
    )
    .option(
      "--ca-file <file>",
      "with --server: use TLS, and believe the certificates of this authority (PEM)",
    )
    .option(
      "--cert-file <file>",
      "with --server: the client certificate to connect with, and its chain (PEM)",
    )
    .option("--key-file <file>", "with --cert-file: its private key (PEM)")
    .option(
      "--credential-file <file>",
      "with --server: the API key or token to act with (default: COUNTERSIGN_API_KEY or COUNTERSIGN_TOKEN)",
    );
}

/** Does a command's work on its target, and closes it. */
export function administer(
  options: TargetOptions,
  work: (administration: Administration) => Promise<void>,
  local: { readonly createStore?: boolean; readonly createSecrets?: boolean } = {},
): Promise<void> {
  return perform(options, async () => {
    const administration = await openTarget(options, local);
    try {
      await work(administration);
    } finally {
      await administration.close();
    }
  });
}

/** The server that was named, or the store. To be closed. */
export async function openTarget(
  { server, caFile, certFile, keyFile, credentialFile, config: file }: TargetOptions,
  local: { readonly createStore?: boolean; readonly createSecrets?: boolean } = {},
): Promise<Administration> {
  if (server !== undefined) {
    if (file !== undefined)
      throw new UsageError("--server and --config exclude each other: a server has its own configuration");
    // Either takes a while to load.
    const { createRemoteAdministration } = await import("../administration/remote.ts");
    return createRemoteAdministration({
      ...{ server, caFile, certFile, keyFile },
      credential: findCredential(credentialFile),
    });
  }
  const remoteOnly = { "--ca-file": caFile, "--cert-file": certFile, "--key-file": keyFile };
  const [stray] = Object.entries({ ...remoteOnly, "--credential-file": credentialFile }).find(
    ([, value]) => value !== undefined,
  ) ?? [undefined];
  if (stray !== undefined) throw new UsageError(`${stray} goes with --server`);
  const [{ openLocalStore }, { createLocalAdministration }] = await Promise.all([
    import("../administration/command-config.ts"),
    import("../administration/local.ts"),
  ]);
  const { config, store } = await openLocalStore({ file, ...local });
  return createLocalAdministration(config, store);
}
