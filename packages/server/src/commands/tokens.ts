import type { Command } from "commander";
import { addGroup, type Named } from "./command.ts";
import { addInspectCommand } from "./tokens-inspect.ts";
import { addMintCommand } from "./tokens-mint.ts";

/** `countersign tokens`: access tokens. */
export function addTokensCommand(program: Command, named: Named): void {
  const tokens = addGroup(program, named);
  addMintCommand(tokens);
  addInspectCommand(tokens);
}
