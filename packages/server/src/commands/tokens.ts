import type { Command } from "commander";
import { addGroup } from "./command.ts";
import { addInspectCommand } from "./tokens-inspect.ts";
import { addMintCommand } from "./tokens-mint.ts";

/** `countersign tokens`: access tokens. */
export function addTokensCommand(program: Command): void {
  const tokens = addGroup(program, "tokens", "access tokens, signed and checked with the signing keys");
  addMintCommand(tokens);
  addInspectCommand(tokens);
}
