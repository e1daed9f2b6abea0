import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type ApiKey, ApiKeyService } from "countersign/descriptors";
import type { Administration } from "../administration/administration.ts";
import { findUserId } from "../administration/find-user.ts";
import { CommandFailure, oneLine, UsageError } from "../terminal/failure.ts";

import { note, print, printMessage } from "../terminal/output.ts";
import { instant } from "../terminal/table.ts";
import { keyId } from "./key-argument.ts";
import { keyTitle } from "./key-text.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { revokeApiKey, revokeApiKeys } = ApiKeyService.method;

interface RevokeOptions extends TargetOptions {
  readonly reason?: string | undefined;
  readonly withMade?: boolean | undefined;
  readonly allOf?: string | undefined;
}

/** `countersign keys revoke` */
export function addKeyRevokeCommand(keys: Command): void {
  addTargetCommand(keys, {
    usage: "revoke [id...]",
    description: "refuse keys from now on; running servers know within a second",
    examples: [
      'keys revoke 0A1b2C3d4E5f6G7h8 --reason "left in a public repository"',
      'keys revoke --all-of alice --reason "left the company"',
    ],
  })
    .option("--reason <text>", "kept with the key")
    .option("--with-made", "revoke also the keys that they made, and those that they made")
    .option("--all-of <user>", "instead of ids: all keys of this user")
    .action((names: readonly string[], options: RevokeOptions) =>
      administer(options, async (administration) => {
        const ids = names.map(keyId);
        const [id] = ids;
        if ((id === undefined) === (options.allOf === undefined))
          throw new UsageError("ids of keys, or --all-of and a user: one of the two");
        if (id !== undefined && ids.length === 1) return revokeOne(administration, id, options);
        return revokeSome(administration, ids, options);
      }),
    );
}

async function revokeOne(administration: Administration, id: string, options: RevokeOptions): Promise<void> {
  const { reason = "", withMade: withMadeKeys = false, output } = options;
  const answer = await administration.call(revokeApiKey, { id, reason, withMadeKeys });
  if (output === "json") return printMessage(revokeApiKey.output, answer);
  const { apiKey, revokedKeys, madeKeys } = answer;
  print(`Revoked ${keyTitle(apiKey)}.\n`);
  tellReason(apiKey, reason);
  tellMade({ revokedKeys, madeKeys }, withMadeKeys);
}

async function revokeSome(
  administration: Administration,
  ids: readonly string[],
  options: RevokeOptions,
): Promise<void> {
  const { reason = "", withMade: withMadeKeys = false, allOf, output } = options;
  const whose = allOf === undefined ? { ids: [...ids] } : { userId: await findUserId(administration, allOf) };
  const answer = await administration.call(revokeApiKeys, { ...whose, reason, withMadeKeys });
  const { apiKeys, refusedIds } = answer;
  if (output === "json") printMessage(revokeApiKeys.output, answer);
  else {
    for (const apiKey of apiKeys) {
      print(`Revoked ${keyTitle(apiKey)}.\n`);
      tellReason(apiKey, reason);
    }
    if (apiKeys.length === 0) print("No API keys.\n");
    tellMade(answer, withMadeKeys);
  }
  if (refusedIds.length > 0)
    throw new CommandFailure(
      "NOT_FOUND",
      `not revoked, because there is none or you may not: ${refusedIds.join(", ")}`,
    );
}

/** The first revocation counts: a reason that comes later is not kept. */
function tellReason(apiKey: ApiKey | undefined, reason: string): void {
  if (apiKey === undefined || reason === "" || apiKey.revokedReason === reason) return;
  const at = instant(apiKey.revokedAt && timestampDate(apiKey.revokedAt));
  const title = keyTitle(apiKey).replace(/^t/, "T");
  const kept =
    apiKey.revokedReason === "" ? "has no reason" : `keeps its reason: ${oneLine(apiKey.revokedReason)}`;
  note(`${title} was revoked before, at ${at}, and ${kept}`);
}

/** Keys that a revoked one has taken with it, or left behind. */
function tellMade(
  {
    revokedKeys,
    madeKeys,
  }: { readonly revokedKeys: readonly string[]; readonly madeKeys: readonly string[] },
  tried: boolean,
): void {
  if (revokedKeys.length > 0) print(`Revoked what it made: ${revokedKeys.join(", ")}.\n`);
  if (madeKeys.length === 0) return;
  const left = `Keys that it made are not revoked: ${madeKeys.join(", ")}`;
  note(tried ? `${left}; you may not revoke them` : `${left}; the same with --with-made revokes them too`);
}
