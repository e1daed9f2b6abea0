import { ReplyError } from "ioredis";
import { StoreUnavailable } from "../contracts.ts";

/** The server has answered, with an error. */
export function isReply(error: Error): boolean {
  return error instanceof ReplyError;
}

/** The same of what callers are told. */
export function isRepliedFailure(error: unknown): boolean {
  return error instanceof StoreUnavailable && (error.cause as Error | undefined)?.name === ReplyError.name;
}

/** What no waiting mends: another password, other rights, another certificate. */
export function isRefusal(error: Error): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return refusals.test(error.message) || certificateFaults.test(code);
}

const refusals = /^(WRONGPASS|NOAUTH|NOPERM|DENIED|ERR (invalid password|AUTH|DB index|Client sent AUTH))/;
const certificateFaults = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** The same error without the command that it came from, whose arguments may be secret. */
export function withoutCommand(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  const clean = new Error(error.message);
  clean.name = error.name;
  return Object.assign(clean, code === undefined ? {} : { code });
}

/** What callers are told, and logs. */
export function redisFailure(name: string, error: Error): StoreUnavailable {
  const text = isRefusal(error)
    ? `${name} refuses this program (${error.message}); look at redis.url and at the rights of its user`
    : `${name}: it is away (${error.message})`;
  return new StoreUnavailable(text, { cause: withoutCommand(error) });
}
