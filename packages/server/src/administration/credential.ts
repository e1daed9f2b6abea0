import { callerOf } from "../config/caller.ts";
import { CommandFailure } from "../terminal/failure.ts";
import { readSecretFile } from "../terminal/read-secret.ts";

/** What a command presents to a server: the header, and its value. */
export interface Credential {
  readonly header: "authorization" | "x-api-key";
  readonly value: string;
}

/** The credential in the named file, else in the environment. Undefined if there is none. */
export function findCredential(file: string | undefined): Credential | undefined {
  if (file !== undefined) return toCredential(readSecretFile(file).trim(), file);
  const { apiKey: key, token } = callerOf();
  if (key !== undefined && token !== undefined) {
    throw new CommandFailure(
      "INVALID_ARGUMENT",
      "COUNTERSIGN_API_KEY and COUNTERSIGN_TOKEN are both set: unset one of them",
    );
  }
  if (key !== undefined) return sendable({ header: "x-api-key", value: key }, "COUNTERSIGN_API_KEY");
  return token === undefined
    ? undefined
    : sendable({ header: "authorization", value: `Bearer ${token}` }, "COUNTERSIGN_TOKEN");
}

/** A token has three parts with dots between them, which no API key of ours has. */
export function isToken(text: string): boolean {
  return /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(text);
}

function toCredential(text: string, where: string): Credential {
  return sendable(
    isToken(text)
      ? { header: "authorization", value: `Bearer ${text}` }
      : { header: "x-api-key", value: text },
    where,
  );
}

/** Looked at here, because grpc-js quotes the whole value in its error. */
function sendable(credential: Credential, where: string): Credential {
  if (/^[\x20-\x7e]+$/.test(credential.value)) return credential;
  throw new CommandFailure(
    "INVALID_ARGUMENT",
    `${where} holds no API key and no token: one line of ASCII is expected`,
  );
}
