import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { JsonError } from "./json-error.ts";

/** Refuses a request to change the protocol, which comes without a `ServerResponse`, and hangs up. */
export function refuseUpgrade(socket: Duplex, { status, headers, body }: JsonError): void {
  socket.on("error", () => {});
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  const all = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${each}`),
  );
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}`,
    ...all,
    "content-type: application/json",
    `content-length: ${bytes.length}`,
    "connection: close",
  ];
  socket.end(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes]), () =>
    socket.destroy(),
  );
}
