import { type LoggedRequest, LogService, PolicyService } from "countersign/descriptors";
import type { Administration } from "../administration/administration.ts";
import { failureOf } from "../terminal/failure.ts";
import { messageJson, print, printJson } from "../terminal/output.ts";
import { details } from "../terminal/table.ts";
import { type Answer, answerText } from "./explain-text.ts";
import { requestDetails } from "./log-text.ts";
import type { TargetOptions } from "./target.ts";

/** What became of a request and why, and what the policy says to it now. */
export async function explainRequest(
  administration: Administration,
  requestId: string,
  options: TargetOptions,
): Promise<void> {
  const logged = await administration.call(LogService.method.getRequest, { requestId });
  if (logged.request === undefined) throw new TypeError("an answer without a request");
  const now = await today(administration, logged.request);
  if (options.output === "json") {
    const request = messageJson(LogService.method.getRequest.output, logged)["request"];
    const explanation =
      now === undefined ? null : messageJson(PolicyService.method.explain.output, now as never);
    printJson({ request, now: explanation });
  } else {
    print(
      `${details(requestDetails(logged.request))}\n${now === undefined ? unknown : present(logged.request, now)}`,
    );
  }
  if (logged.request.status === "error") process.exitCode = 1;
}

/** Undefined where the policy has no such RPC any more, or the caller is none of the users. */
async function today(administration: Administration, request: LoggedRequest): Promise<Answer | undefined> {
  const { userId, procedure } = request;
  if (!/^\d{0,19}$/.test(userId)) return undefined;
  try {
    return await administration.call(PolicyService.method.explain, {
      userId: BigInt(userId || 0),
      procedure,
    });
  } catch (error) {
    if (failureOf(error)?.status === "NOT_FOUND") return undefined;
    throw error;
  }
}

const unknown = "Now: there is no such RPC, or no such user.\n";

function present({ userId, apiKeyId }: LoggedRequest, answer: Answer): string {
  const who = userId === "" ? "a call without a credential" : `user ${userId}`;
  const limits = apiKeyId === "" ? "" : ", without the limits of the key";
  return `Now, for ${who}${limits}:\n${answerText(userId === "" ? "anonymous" : userId, answer)}`;
}
