import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

/** What is known of a value before there is one. `unknown`: it may be anything. */
export type ValueType =
  | "unknown"
  | "bool"
  | "string"
  | "bytes"
  | "number"
  | "null"
  | "list"
  | "map"
  | { readonly message: DescMessage }
  | { readonly elements: ValueType };

/** The type of a field's value in CEL, as far as it matters here. */
export function fieldType(field: DescField): ValueType {
  switch (field.fieldKind) {
    case "scalar":
      return scalarType(field.scalar);
    case "enum":
      return "number";
    case "message":
      return messageType(field.message);
    case "list":
      if (field.listKind === "message") return { elements: messageType(field.message) };
      return { elements: field.listKind === "enum" ? "number" : scalarType(field.scalar) };
    case "map":
      return "map";
  }
}

/** Well-known types whose values are no messages in CEL, or have operators of their own. */
const values = /^google\.protobuf\.(Timestamp|Duration|Struct|Value|ListValue|\w+Value)$/;

function messageType(message: DescMessage): ValueType {
  return values.test(message.typeName) ? "unknown" : { message };
}

function scalarType(scalar: ScalarType): ValueType {
  switch (scalar) {
    case ScalarType.BOOL:
      return "bool";
    case ScalarType.STRING:
      return "string";
    case ScalarType.BYTES:
      return "bytes";
    default:
      return "number";
  }
}

/** Two values of these types are never equal. */
export function neverEqual(left: ValueType, right: ValueType): boolean {
  return plain(left) !== undefined && plain(right) !== undefined && plain(left) !== plain(right);
}

function plain(type: ValueType): string | undefined {
  if (type === "unknown" || type === "null") return undefined;
  if (typeof type === "string") return type;
  return "elements" in type ? "list" : undefined;
}
