import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { certificateThumbprint } from "countersign/client-certificate";
import { TokenService } from "countersign/descriptors";
import { findUserId } from "../administration/find-user.ts";
import { parseDuration } from "../config/duration.ts";
import { UsageError } from "../terminal/failure.ts";
import { print, printJson } from "../terminal/output.ts";
import { collect } from "./command.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

interface MintOptions extends TargetOptions {
  readonly user: string;
  readonly expires?: string | undefined;
  readonly claim?: readonly string[] | undefined;
  readonly bindCertificate?: string | undefined;
}

/** `countersign tokens mint` */
export function addMintCommand(tokens: Command): void {
  addTargetCommand(tokens, {
    usage: "mint",
    description: "sign an access token for a user",
    more: "The token alone goes to standard output. It is good on every server with the same signing keys, and for no\nlonger than its key: keys signing retire --now ends it.",
    examples: [
      "tokens mint --user sam",
      "tokens mint --user sam --expires 5m --claim 'tenant=\"acme\"' --claim 'limits={\"calls\":10}'",
    ],
  })
    .requiredOption("--user <user>", "whom it is for: username, id or email")
    .option("--expires <duration>", "4s, 15m, 24h, 30d (default: auth.jwt.access_lifetime)")
    .option("--claim <name=json>", "add a claim; may be there several times", collect)
    .option(
      "--bind-certificate <file>",
      "good only over connections with this client certificate (PEM; RFC 8705)",
    )
    .action((options: MintOptions) =>
      administer(
        options,
        async (administration) => {
          const claims = { ...claimsOf(options.claim ?? []), ...bindingOf(options.bindCertificate) };
          const expiresIn = lifetimeOf(options.expires);
          const userId = await findUserId(administration, options.user);
          const answer = await administration.call(TokenService.method.mintToken, {
            userId,
            expiresIn,
            claims,
          });
          const { accessToken, tokenType } = answer;
          if (options.output === "text") return print(`${accessToken}\n`);
          printJson({
            access_token: accessToken,
            token_type: tokenType,
            expires_in: Number(answer.expiresIn),
          });
        },
        { createSecrets: true },
      ),
    );
}

/** 0: what is configured. */
function lifetimeOf(text: string | undefined): bigint {
  if (text === undefined) return 0n;
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return BigInt(seconds);
  throw new UsageError("--expires is a duration such as 4s, 15m, 24h or 30d");
}

function bindingOf(path: string | undefined): JsonObject {
  if (path === undefined) return {};
  try {
    const { raw } = new X509Certificate(readFileSync(path));
    return { cnf: { "x5t#S256": certificateThumbprint(raw) } };
  } catch (error) {
    throw new UsageError(`--bind-certificate ${path} cannot be used: ${(error as Error).message}`);
  }
}

function claimsOf(pairs: readonly string[]): JsonObject {
  const entries = pairs.map((pair): [string, JsonValue] => {
    const [, name, json = ""] = /^([^\s=]+)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined || name === "__proto__")
      throw new UsageError("--claim is NAME=JSON, such as limit=10");
    try {
      return [name, JSON.parse(json) as JsonValue];
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
