import type { Command } from "commander";
import { PolicyService } from "countersign/service";
import { findUserId } from "../administration/find-user.ts";
import { print, printMessage } from "../terminal/output.ts";
import { details } from "../terminal/table.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

/** `countersign explain` */
export function addExplainCommand(program: Command): void {
  addTargetCommand(program, {
    usage: "explain <user> <method>",
    description: "which rule decides about a user's call, and what is missing",
    more: 'The user is a username, an id or an email, or "-" for a call without a credential; as one who has just logged in with a password. The exit code is 1 if the call would be refused.',
    examples: [
      "explain alice /api.users.UserService/ListAllUsers",
      "explain - api.users.UserService/GetUser -o json",
    ],
  }).action((user: string, method: string, options: TargetOptions) =>
    administer(options, async (administration) => {
      const userId = user === "-" ? 0n : await findUserId(administration, user);
      const procedure = method.startsWith("/") ? method : `/${method}`;
      const answer = await administration.call(PolicyService.method.explain, { userId, procedure });
      if (options.output === "json") printMessage(PolicyService.method.explain.output, answer);
      else print(text(user, answer));
      if (answer.outcome === "denied") process.exitCode = 1;
    }),
  );
}

interface Answer {
  readonly rule?:
    | { readonly procedure: string; readonly rule: string; readonly source: string; readonly origin: string }
    | undefined;
  readonly outcome: string;
  readonly reason: string;
  readonly message: string;
  readonly steps: readonly { readonly depth: number; readonly title: string; readonly verdict: string }[];
}

const outcomes: Readonly<Record<string, string>> = {
  allowed: "allowed",
  request: "depends on the request",
};

function text(user: string, { rule, outcome, reason, message, steps }: Answer): string {
  const lines = steps.map(
    ({ depth, title, verdict }) => `  ${verdict.padEnd(7)}  ${"  ".repeat(depth)}${title}\n`,
  );
  return [
    details([
      ["caller", user === "-" ? "anonymous" : user],
      ["RPC", rule?.procedure ?? ""],
      ["rule", rule?.rule ?? ""],
      ["from", rule?.origin || rule?.source || ""],
      ["outcome", outcomes[outcome] ?? `refused: ${message} (${reason})`],
    ]),
    ...(lines.length > 1 ? ["\n", ...lines] : []),
  ].join("");
}
