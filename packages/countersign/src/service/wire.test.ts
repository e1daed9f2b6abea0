import assert from "node:assert/strict";
import test from "node:test";
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import {
  ApiKeyRequestSchema,
  ApiKeyResponseSchema,
  JWTClaimsSchema,
  LoginRequestSchema,
  LoginResponseSchema,
} from "../gen/auth/v1/auth_pb.ts";

// Seed 002's clients have these field numbers compiled into them. The bytes are written by hand, from
// https://protobuf.dev/programming-guides/encoding/: a tag is the number times eight, and 2 for what has a length.

/** A field with a length: text, or the bytes of a message. */
function field(number: number, value: string | readonly number[]): readonly number[] {
  const bytes = typeof value === "string" ? [...Buffer.from(value)] : value;
  return [number * 8 + 2, bytes.length, ...bytes];
}
const varint = (number: number, ...bytes: number[]): readonly number[] => [number * 8, ...bytes];

function holds<D extends DescMessage>(schema: D, init: MessageInitShape<D>, bytes: readonly number[]): void {
  const message = create(schema, init);
  assert.deepEqual([...toBinary(schema, message)], bytes);
  assert.deepEqual(toJson(schema, fromBinary(schema, Uint8Array.from(bytes))), toJson(schema, message));
}

const at = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 });

test("LoginRequest", () => {
  holds(LoginRequestSchema, { email: "a@b", password: "pw" }, [...field(1, "a@b"), ...field(2, "pw")]);
});

test("LoginResponse", () => {
  holds(
    LoginResponseSchema,
    { accessToken: "at", refreshToken: "rt", expiresIn: 900n, user: { id: 3n } },
    // 900 is 0b111_0000100.
    [...field(1, "at"), ...field(2, "rt"), ...varint(3, 0x84, 0x07), ...field(4, varint(1, 3))],
  );
});

test("JWTClaims", () => {
  holds(
    JWTClaimsSchema,
    { userId: "7", email: "a@b", roles: ["x", "y"], issuedAt: at(5), expiresAt: at(6) },
    [
      ...field(1, "7"),
      ...field(2, "a@b"),
      ...field(3, "x"),
      ...field(3, "y"),
      ...field(4, varint(1, 5)),
      ...field(5, varint(1, 6)),
    ],
  );
});

test("ApiKeyRequest and ApiKeyResponse", () => {
  holds(ApiKeyRequestSchema, { apiKey: "k", serviceName: "s" }, [...field(1, "k"), ...field(2, "s")]);
  holds(ApiKeyResponseSchema, { valid: true, clientId: "c", permissions: ["p", "q"], expiresAt: at(9) }, [
    ...varint(1, 1),
    ...field(2, "c"),
    ...field(3, "p"),
    ...field(3, "q"),
    ...field(4, varint(1, 9)),
  ]);
});
