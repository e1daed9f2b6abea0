import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { CommandFailure } from "./failure.ts";

/** Can a question be asked, and be read by somebody? */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks on standard error, which is not what a program reads. */
export function ask(question: string): Promise<string> {
  return readLine(question, process.stderr);
}

/** The same, and what is typed does not show. */
export function askHidden(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const answer = readLine("", silent);
  // After the terminal was told not to echo: what is typed at once does not show either.
  process.stderr.write(question);
  return answer.finally(() => process.stderr.write("\n"));
}

function readLine(question: string, output: NodeJS.WritableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    // As a terminal, so that the terminal itself stops echoing and all that shows is what is written to `output`.
    const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
    lines.once("line", (line) => {
      resolve(line);
      lines.close();
    });
    lines.once("SIGINT", () => lines.close());
    lines.once("close", () => reject(new CommandFailure("CANCELLED", "cancelled; nothing was changed")));
    lines.setPrompt(question);
    lines.prompt();
  });
}
