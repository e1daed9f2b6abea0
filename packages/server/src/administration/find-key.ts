import { ApiKeyService } from "countersign/descriptors";
import { readKeyStart } from "../keys/key-start.ts";
import { CommandFailure, failureOf } from "../terminal/failure.ts";
import type { Administration } from "./administration.ts";

const whole = /^[0-9A-Za-z]{17}$/;

/**
 * The id of the key that a person means by its id, by what the key begins with, or by the beginning of either. What is none, and what
 * this caller may not look up, is taken as it is: the log also knows keys that are written in a configuration.
 */
export async function findKeyId(administration: Administration, text: string): Promise<string> {
  const start = readKeyStart(text);
  if (start !== undefined && !start.isWhole) return start.id;
  if (text === "" || whole.test(text)) return text;
  const keys = await beginningWith(administration, text);
  const [key, ...others] = keys;
  if (key === undefined) return text;
  if (others.length === 0) return key.id;
  const choices = keys.slice(0, 3).map(({ id: one, name }) => `${one} (${name})`);
  const rest = keys.length > choices.length ? " or others" : "";
  throw new CommandFailure(
    "FAILED_PRECONDITION",
    `${text} may mean more than one key: ${choices.join(" or ")}${rest}`,
  );
}

async function beginningWith(administration: Administration, text: string) {
  try {
    const { apiKeys } = await administration.call(ApiKeyService.method.listApiKeys, { text, pageSize: 1000 });
    return apiKeys.filter(({ id, prefix }) => id.startsWith(text) || prefix.startsWith(text));
  } catch (error) {
    if (failureOf(error)?.status === "PERMISSION_DENIED") return [];
    throw error;
  }
}
