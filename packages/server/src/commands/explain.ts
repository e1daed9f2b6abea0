import type { Command } from "commander";
import { PolicyService } from "countersign/descriptors";
import { findUserId } from "../administration/find-user.ts";
import { print, printMessage } from "../terminal/output.ts";
import type { Named } from "./command.ts";
import { explainRequest } from "./explain-request.ts";
import { answerText } from "./explain-text.ts";
import { addTargetCommand, administer, type TargetOptions } from "./target.ts";

/** `countersign explain` */
export function addExplainCommand(program: Command, named: Named): void {
  addTargetCommand(program, {
    ...named,
    more: 'The user is a username, an id or an email, or "-" for a call without a credential; as one who has just logged in with a password. Without a method it is the id of a request (x-request-id), from the request log. The exit code is 1 if the call would be refused, or was.',
    examples: [
      "explain alice /api.users.UserService/ListAllUsers",
      "explain - api.users.UserService/GetUser -o json",
      "explain 01a20251-26ff-7e6b-91c9-a560a4c10a02",
    ],
  }).action((user: string, method: string | undefined, options: TargetOptions) =>
    administer(options, async (administration) => {
      if (method === undefined) return explainRequest(administration, user, options);
      const userId = user === "-" ? 0n : await findUserId(administration, user);
      const procedure = method.startsWith("/") ? method : `/${method}`;
      const answer = await administration.call(PolicyService.method.explain, { userId, procedure });
      if (options.output === "json") printMessage(PolicyService.method.explain.output, answer);
      else print(answerText(user === "-" ? "anonymous" : user, answer));
      if (answer.outcome === "denied") process.exitCode = 1;
    }),
  );
}
