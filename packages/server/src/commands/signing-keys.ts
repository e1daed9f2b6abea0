import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type SigningKey, SigningKeyService } from "countersign/descriptors";
import { jwtAlgorithms } from "../config/jwt-algorithms.ts";
import { UsageError } from "../terminal/failure.ts";
import { print, printMessage } from "../terminal/output.ts";
import { readSecretFile, readStandardInput } from "../terminal/read-secret.ts";
import { type Column, instant, table } from "../terminal/table.ts";
import { addGroup } from "./command.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

const { listSigningKeys, rotateSigningKey, retireSigningKey, importSigningKey } = SigningKeyService.method;

/** `countersign keys signing`: the keys that sign access tokens. */
export function addSigningKeysCommand(keys: Command): void {
  const signing = addGroup(keys, {
    usage: "signing",
    description: "the keys that access tokens are signed with",
  });
  addList(signing);
  addRotate(signing);
  addRetire(signing);
  addImport(signing);
}

const columns: readonly Column<SigningKey>[] = [
  ["KID", ({ kid }) => kid],
  ["ALGORITHM", ({ algorithm }) => algorithm],
  ["STATUS", ({ status }) => status],
  ["SIGNS FROM", ({ activeFrom }) => at(activeFrom)],
  ["SIGNS UNTIL", ({ retiredAt }) => at(retiredAt)],
  ["ACCEPTED UNTIL", ({ removedAt }) => at(removedAt)],
  ["CREATED", ({ createdAt }) => at(createdAt)],
];

function addList(signing: Command): void {
  addTargetCommand(signing, {
    usage: "list",
    description: "the keys that are published or accepted, oldest first",
    more: "A key is pending (published, and does not sign yet), signing, or retired (what it signed is accepted until it\nexpires).",
    examples: ["keys signing list", "keys signing list --server 127.0.0.1:50051 -o json"],
  }).action((options: TargetOptions) =>
    administer(options, async (administration) => {
      const answer = await administration.call(listSigningKeys, {});
      if (options.output === "json") return printMessage(listSigningKeys.output, answer);
      print(table(columns, answer.signingKeys, "No signing keys: the first start of a server makes one."));
    }),
  );
}

interface SuccessionOptions extends TargetOptions {
  readonly algorithm?: string | undefined;
  readonly now?: boolean | undefined;
  readonly removeOthers?: boolean | undefined;
}

function addSuccession(command: Command): Command {
  return command
    .option("--algorithm <name>", `one of ${jwtAlgorithms.join(", ")}`)
    .option(
      "--now",
      "let it sign in two seconds, when every server knows it, and not after auth.jwt.publish_ahead",
    )
    .option(
      "--remove-others",
      "let it sign at once, and refuse what every other key signed: clients refresh",
    );
}

function successionOf({ now = false, removeOthers = false }: SuccessionOptions) {
  return { soon: now, removeOthers };
}

function addRotate(signing: Command): void {
  const command = addTargetCommand(signing, {
    usage: "rotate",
    description: "make a key that takes the place of the others",
    more: "It is published at once, and signs after auth.jwt.publish_ahead. The others sign until then, and are kept until\nthe last token that they signed has expired.",
    examples: ["keys signing rotate", "keys signing rotate --algorithm EdDSA --now"],
  });
  addSuccession(command).action((options: SuccessionOptions) =>
    administer(
      options,
      async (administration) => {
        const answer = await administration.call(rotateSigningKey, {
          algorithm: options.algorithm ?? "",
          succession: successionOf(options),
        });
        if (options.output === "json") return printMessage(rotateSigningKey.output, answer);
        print(`Made ${titleOf(answer.signingKey)}.\n`);
      },
      { createSecrets: true },
    ),
  );
}

interface RetireOptions extends TargetOptions {
  readonly now?: boolean | undefined;
}

function addRetire(signing: Command): void {
  addTargetCommand(signing, {
    usage: "retire <kid>",
    description: "let a key sign no more; one that has no successor gets it",
    more: "What it signed is accepted until it expires. With --now, nothing that it signed is accepted any more, on any\nserver within a second; clients refresh. A kid that begins with - stands after --.",
    examples: [
      "keys signing retire 0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEPsn2Ae4lk",
      "keys signing retire 0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEPsn2Ae4lk --now",
    ],
  })
    .option("--now", "it leaked: refuse what it signed")
    .action((kid: string, options: RetireOptions) =>
      administer(options, async (administration) => {
        const answer = await administration.call(retireSigningKey, { kid, now: options.now ?? false });
        if (options.output === "json") return printMessage(retireSigningKey.output, answer);
        print(`Retired ${titleOf(answer.signingKey)}.\n`);
      }),
    );
}

interface ImportOptions extends SuccessionOptions {
  readonly kid?: string | undefined;
}

function addImport(signing: Command): void {
  const command = addTargetCommand(signing, {
    usage: "import [file]",
    description: "take a key from elsewhere, which takes the place of the others",
    more: 'A private key in PEM (PKCS#8, PKCS#1, SEC 1) or as a JWK, or a shared secret as a JWK. It is read from the file,\nor from standard input ("-", or no file).',
    examples: [
      "keys signing import ./key.pem --algorithm PS256",
      "openssl genpkey -algorithm ed25519 | countersign keys signing import",
    ],
  }).option("--kid <kid>", "its name (default: the JWK's own, else its thumbprint)");
  addSuccession(command).action((file: string | undefined, options: ImportOptions) =>
    administer(
      options,
      async (administration) => {
        const answer = await administration.call(importSigningKey, {
          key: await readKey(file),
          algorithm: options.algorithm ?? "",
          kid: options.kid ?? "",
          succession: successionOf(options),
        });
        if (options.output === "json") return printMessage(importSigningKey.output, answer);
        print(`Imported ${titleOf(answer.signingKey)}.\n`);
      },
      { createSecrets: true },
    ),
  );
}

async function readKey(file: string | undefined): Promise<string> {
  if (file !== undefined && /-----BEGIN|^\s*\{/.test(file)) {
    throw new UsageError(
      "a key does not come from an argument, where shell histories and process lists show it: name a file, or use standard input",
    );
  }
  return file === undefined || file === "-" ? readStandardInput() : readSecretFile(file);
}

/** `the RS256 key abc, which signs from 2026-03-01T12:10:00Z on` */
function titleOf(key: SigningKey | undefined): string {
  if (key === undefined) return "the key";
  const name = `the ${key.algorithm} key ${key.kid}`;
  if (key.status === "removed") return `${name}: nothing that it signed is accepted`;
  if (key.retiredAt !== undefined)
    return `${name}: it signs until ${at(key.retiredAt)}, and is accepted until ${at(key.removedAt)}`;
  return `${name}, which signs from ${at(key.activeFrom)} on`;
}

function at(timestamp: SigningKey["createdAt"]): string {
  return instant(timestamp && timestampDate(timestamp));
}
