import type { Command } from "commander";
import { createJwtForUser, type SigningKey } from "countersign/jwt";
import { tokenUser } from "countersign/service";
import type { UserRecord } from "countersign/store";
import { openLocalStore } from "../administration/command-config.ts";
import { findUserId } from "../administration/find-user.ts";
import { createLocalAdministration } from "../administration/local.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { parseDuration } from "../config/duration.ts";
import { configProblems } from "../config/production-checks.ts";
import { loadSigning } from "../signing.ts";
import { CommandFailure, UsageError } from "../terminal/failure.ts";
import { print, printJson } from "../terminal/output.ts";
import { addCommand, type CommandOptions, collect, perform } from "./command.ts";

interface MintOptions extends CommandOptions {
  readonly user: string;
  readonly expires?: string | undefined;
  readonly claim?: readonly string[] | undefined;
  readonly server?: string | undefined;
}

/** `countersign tokens mint` */
export function addMintCommand(tokens: Command): void {
  const command = addCommand(tokens, {
    usage: "mint",
    description: "sign an access token for a user",
    more: "The token alone goes to standard output. It is good on every server with the same signing key.",
    examples: [
      "tokens mint --user sam",
      "tokens mint --user sam --expires 5m --claim 'tenant=\"acme\"' --claim 'limits={\"calls\":10}'",
    ],
  });
  command
    .requiredOption("--user <user>", "whom it is for: username, id or email")
    .option("--expires <duration>", "4s, 15m, 24h, 30d (default: auth.jwt.access_lifetime)")
    .option("--claim <name=json>", "add a claim; may be there several times", collect)
    .addOption(command.createOption("--server <host:port>").hideHelp())
    .action((options: MintOptions) => perform(options, () => mint(options)));
}

async function mint(options: MintOptions): Promise<void> {
  refuseServer(options.server);
  const extraClaims = claimsOf(options.claim ?? []);
  const { config, store } = await openLocalStore({ file: options.config, createSecrets: true });
  try {
    const key = signingKey(config);
    const user = await activeUser(createLocalAdministration(config, store), store.users, options.user);
    const expiresIn = lifetimeOf(options.expires, config);
    const { issuer, audience } = config.auth.jwt;
    const token = signed(user, {
      ...{ key, expiresIn, extraClaims },
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    });
    if (options.output === "json")
      printJson({ access_token: token, token_type: "bearer", expires_in: expiresIn });
    else print(`${token}\n`);
  } finally {
    await store.close();
  }
}

/** A server signs for those who log in; whoever signs for others has the key. */
export function refuseServer(server: string | undefined): void {
  if (server === undefined) return;
  throw new UsageError(
    "tokens are signed and checked here, with the signing key of the configuration: leave out --server, and name the configuration with --config",
  );
}

type SignOptions = Parameters<typeof createJwtForUser>[1];

function signed(user: UserRecord, options: SignOptions): string {
  try {
    return createJwtForUser(tokenUser(user), options);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message.replace("extraClaims", "--claim"));
    throw error;
  }
}

function signingKey(config: Config): SigningKey {
  const signing = loadSigning(config);
  if (signing !== undefined) return signing.key;
  const problem = configProblems(config).find((text) => text.startsWith("auth.jwt"));
  throw new ConfigError(
    problem ?? "auth.jwt has no signing key: set auth.jwt.secret or auth.jwt.private_key",
  );
}

async function activeUser(
  administration: ReturnType<typeof createLocalAdministration>,
  users: { load(id: string): UserRecord | undefined | Promise<UserRecord | undefined> },
  name: string,
): Promise<UserRecord> {
  const id = await findUserId(administration, name);
  const user = await users.load(String(id));
  if (user === undefined) throw new CommandFailure("NOT_FOUND", `no such user: ${name}`);
  if (user.isActive) return user;
  throw new CommandFailure(
    "FAILED_PRECONDITION",
    `${name} is disabled: a token would be refused; first countersign users enable ${name}`,
  );
}

function lifetimeOf(text: string | undefined, config: Config): number {
  const seconds = text === undefined ? config.auth.jwt.access_lifetime : parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw new UsageError("--expires is a duration such as 4s, 15m, 24h or 30d");
}

function claimsOf(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  const entries = pairs.map((pair): [string, unknown] => {
    const [, name, json = ""] = /^([^\s=]+)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined || name === "__proto__")
      throw new UsageError("--claim is NAME=JSON, such as limit=10");
    try {
      return [name, JSON.parse(json)];
    } catch {
      throw new UsageError(
        `--claim ${name}: what follows = is not JSON; a text stands in double quotes: '${name}="…"'`,
      );
    }
  });
  const names = entries.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UsageError(`--claim ${twice} is there twice`);
  return Object.fromEntries(entries);
}
