import { connect } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { type Kind, type Message, toBytes } from "./echo.suite.ts";

/** A unary request as bytes on a socket, for headers that Node's own client refuses to send twice. */
export function rawBytes(port: number, headers: readonly (readonly [name: string, value: string])[]): Socket {
  const standard = [
    [":method", "POST"],
    [":path", "/t.Echo/Unary"],
    [":scheme", "http"],
    [":authority", "localhost"],
  ] as const;
  const all = [...standard, ["content-type", "application/grpc"], ["te", "trailers"], ...headers] as const;
  // RFC 7541 section 6.2.2: literals without indexing, without Huffman coding.
  const block = Buffer.concat(
    all.map(([name, value]) =>
      Buffer.concat([
        Buffer.from([0, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value, "latin1"),
      ]),
    ),
  );
  const frame = (type: number, flags: number, id: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(body.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(id, 5);
    return Buffer.concat([head, body]);
  };
  const socket = connectTcp(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(4, 0, 0, Buffer.alloc(0)));
  socket.write(frame(1, 4, 1, block));
  socket.write(frame(0, 1, 1, Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d])));
  return socket;
}

/** A request in raw HTTP/2, for what no gRPC client sends. */
export function rawCall(
  port: number,
  headers: readonly (readonly [name: string, value: string])[],
  {
    method = "POST",
    kind = "Unary",
    windowSize = 65_535,
  }: { method?: string; kind?: Kind; windowSize?: number } = {},
) {
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: windowSize } });
  session.on("error", () => {});
  const standard = {
    ":method": method,
    ":path": `/t.Echo/${kind}`,
    ":scheme": "http",
    ":authority": "localhost",
  };
  const list = [
    ...Object.entries(standard),
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...headers,
  ].flat();
  // A flat list is the way to repeat a header; Node's types lag behind.
  const stream = session.request(list as never, { endStream: false });
  const status = new Promise<string>((resolve) => {
    const read = (got: object) => {
      const code = (got as Record<string, unknown>)["grpc-status"];
      if (code !== undefined) resolve(String(code));
    };
    stream.on("response", read);
    stream.on("trailers", read);
    stream.on("close", () => resolve(`closed ${stream.rstCode}`));
    stream.on("error", () => {});
  });
  return {
    stream,
    status,
    send(message: Message) {
      const body = toBytes(message);
      const head = Buffer.alloc(5);
      head.writeUInt32BE(body.length, 1);
      stream.write(Buffer.concat([head, body]));
    },
    close: () => session.destroy(),
  };
}
