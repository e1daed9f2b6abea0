import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { ApiKeyService } from "countersign/descriptors";
import { note, print, printMessage } from "../terminal/output.ts";
import { expiryFrom, keyId, msOf } from "./key-argument.ts";
import { expiryOf, keyTitle, previousNote, printSecret } from "./key-text.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { rotateApiKey, endApiKeyGrace } = ApiKeyService.method;

interface RotateOptions extends TargetOptions {
  readonly grace?: string | undefined;
  readonly expires?: string | undefined;
  readonly link?: boolean | undefined;
}

/** `countersign keys rotate` and `end-grace` */
export function addKeyRotateCommands(keys: Command): void {
  addTargetCommand(keys, {
    usage: "rotate <id>",
    description: "put a new key in the place of one; both work until the grace ends",
    more: "The new key alone goes to standard output. `keys show` of the new id says whether the old one is still used.",
    examples: [
      "keys rotate 0A1b2C3d4E5f6G7h8 --grace 24h",
      "keys rotate 0A1b2C3d4E5f6G7h8 --grace 0s > ./key",
    ],
  })
    .option("--grace <duration>", "how long the old one works beside it: 0s to 90d (default: 24h)")
    .option("--expires <duration>", "of the new one (default: as long as the old one was made for)")
    .option("--link", "print a link that shows the key once, instead of the key")
    .action((id: string, options: RotateOptions) =>
      administer(
        options,
        async (administration) => {
          const grace = msOf("--grace", options.grace);
          const answer = await administration.call(rotateApiKey, {
            id: keyId(id),
            link: options.link ?? false,
            ...expiryFrom(options.expires),
            ...(grace !== undefined && { grace: durationFromMs(grace) }),
          });
          if (options.output === "json") return printMessage(rotateApiKey.output, answer);
          const { apiKey, previous } = answer;
          if (previous !== undefined) note(previousNote(previous));
          printSecret(`Made ${keyTitle(apiKey)} anew, id ${apiKey?.id}, ${expiryOf(apiKey)}.`, answer);
        },
        { createSecrets: true },
      ),
    );
  addTargetCommand(keys, {
    usage: "end-grace <id>",
    description: "refuse a key that was rotated from now on; named by its id, or by that of the new one",
    examples: ["keys end-grace 0A1b2C3d4E5f6G7h8"],
  }).action((id: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(endApiKeyGrace, { id: keyId(id) });
      if (options.output === "json") return printMessage(endApiKeyGrace.output, answer);
      print(`${previousNote(answer.apiKey)}\n`);
    }),
  );
}
