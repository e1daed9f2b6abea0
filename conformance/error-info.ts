/** What `grpc-status-details-bin` says of a refusal. */
export interface ErrorInfo {
  readonly reason: string;
  readonly domain: string;
}

/**
 * Reads the first `google.rpc.ErrorInfo` of a serialized `google.rpc.Status`. By hand, field by field as the
 * wire format has them (https://protobuf.dev/programming-guides/encoding/), so that nothing of ours is trusted.
 */
export function readErrorInfo(status: Uint8Array): ErrorInfo | undefined {
  for (const any of fields(status).get(3) ?? []) {
    const parts = fields(any);
    if (text(parts.get(1)) !== "type.googleapis.com/google.rpc.ErrorInfo") continue;
    return readBareErrorInfo(parts.get(2)?.[0] ?? new Uint8Array());
  }
  return undefined;
}

/** An error detail as the Connect protocol has it in JSON: the message in base64, without its wrapping. */
export interface JsonDetail {
  readonly type: string;
  readonly value: string;
}

/** The first `google.rpc.ErrorInfo` of an error in JSON. */
export function errorInfoOf(details: readonly JsonDetail[] = []): ErrorInfo | undefined {
  const info = details.find(({ type }) => type === "google.rpc.ErrorInfo");
  return info && readBareErrorInfo(Buffer.from(info.value, "base64"));
}

/** Reads a serialized `google.rpc.ErrorInfo`. */
export function readBareErrorInfo(bytes: Uint8Array): ErrorInfo {
  const info = fields(bytes);
  return { reason: text(info.get(1)), domain: text(info.get(2)) };
}

/** The fields that the first `google.rpc.BadRequest` of an error in JSON names. */
export function badFieldsOf(details: readonly JsonDetail[] = []): readonly string[] {
  const bad = details.find(({ type }) => type === "google.rpc.BadRequest");
  if (bad === undefined) return [];
  const violations = fields(Buffer.from(bad.value, "base64")).get(1) ?? [];
  return violations.map((violation) => text(fields(violation).get(1)));
}

function text(values: readonly Uint8Array[] | undefined): string {
  return new TextDecoder().decode(values?.[0]);
}

/** The length-delimited fields of a message, by number. Varints are passed over; there is nothing else here. */
function fields(message: Uint8Array): ReadonlyMap<number, readonly Uint8Array[]> {
  const found = new Map<number, Uint8Array[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    if ((tag & 7) === 0) {
      varint();
      continue;
    }
    if ((tag & 7) !== 2) throw new Error(`wire type ${tag & 7} is not expected here`);
    const length = varint();
    const number = tag >> 3;
    found.set(number, [...(found.get(number) ?? []), message.subarray(at, at + length)]);
    at += length;
  }
  return found;
}
