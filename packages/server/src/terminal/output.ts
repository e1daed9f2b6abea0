import type { DescMessage, JsonObject, MessageShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";

export type OutputFormat = "text" | "json";

let watched = false;

/** Writes to standard output. A reader that has enough (`| head`) is no failure. */
export function print(text: string): void {
  if (!watched) {
    watched = true;
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  }
  process.stdout.write(text);
}

/** Writes to standard error: what a person should know, and no program reads. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Writes a value as JSON: in one line for programs, indented at a terminal. */
export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : undefined)}\n`);
}

/** A message as JSON with the names of its proto, and with every member that has a value of its own. */
export function messageJson<S extends DescMessage>(schema: S, message: MessageShape<S>): JsonObject {
  return toJson(schema, message, { useProtoFieldName: true, alwaysEmitImplicit: true }) as JsonObject;
}

/** Writes a message as JSON. */
export function printMessage<S extends DescMessage>(schema: S, message: MessageShape<S>): void {
  printJson(messageJson(schema, message));
}
