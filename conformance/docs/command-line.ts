import { readFileSync } from "node:fs";
import { createProgram, loadCommands } from "../../packages/server/src/commands/program.ts";
import { root } from "./pages.ts";

const { scripts } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
  scripts: Readonly<Record<string, string>>;
};

const commands = await loadCommands();

/** What is wrong with a command of ours: the program, or a script of this repository. Undefined for nothing, and for other commands. */
export function problemOf(words: readonly string[]): string | undefined {
  const [name, ...rest] = words[0] === "npx" ? words.slice(1).filter((word) => word !== "-y") : words;
  if (name === "countersign") return misunderstood(rest);
  if (name !== "npm") return undefined;
  const script = rest[0] === "run" ? rest.find((word, index) => index > 0 && !word.startsWith("-")) : rest[0];
  const known = rest[0] !== "run" && !["test", "start"].includes(script ?? "");
  return known || Object.hasOwn(scripts, script ?? "") ? undefined : `there is no script ${script}`;
}

/** Lets the program's own parser read a command line. Nothing is run. */
function misunderstood(words: readonly string[]): string | undefined {
  const program = createProgram(commands);
  disarm(program);
  try {
    program.parse([...words], { from: "user" });
    return undefined;
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    if (code === "commander.helpDisplayed" || code === "commander.version") return undefined;
    return code === "commander.help" ? `${words.join(" ")}: a command is missing` : message;
  }
}

function disarm(command: ReturnType<typeof createProgram>): void {
  command.exitOverride((error) => {
    throw error;
  });
  command.configureOutput({ writeOut() {}, writeErr() {}, outputError() {} });
  if (command.commands.length === 0) command.action(() => {});
  command.commands.forEach(disarm);
}
