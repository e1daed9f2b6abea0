import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";

/** Messages within messages that are written out. */
const depthLimit = 3;

/** What JSON writes where nothing is set: messages with a form of their own (ProtoJSON) among them. */
const wellKnown: Readonly<Record<string, JsonValue>> = {
  "google.protobuf.Timestamp": null,
  "google.protobuf.Duration": "0s",
  "google.protobuf.Struct": {},
};

/** A message with every field empty, as JSON with the proto's field names; of a `oneof` the first. */
export function requestTemplate(message: DescMessage, depth = 0): JsonObject {
  return Object.fromEntries(
    message.fields
      .filter((field) => field.oneof === undefined || field.oneof.fields[0] === field)
      .map((field) => [field.name, emptyValue(field, depth)]),
  );
}

function emptyValue(field: DescField, depth: number): JsonValue {
  if (field.fieldKind === "list") return [];
  if (field.fieldKind === "map") return {};
  if (field.fieldKind === "enum") return field.enum.values[0]?.name ?? "";
  if (field.fieldKind === "message") {
    const known = wellKnown[field.message.typeName];
    if (known !== undefined) return known;
    return depth < depthLimit ? requestTemplate(field.message, depth + 1) : {};
  }
  return scalars[field.scalar] ?? 0;
}

/** The kinds that are no numbers, and those of 64 bits, which are text. */
const scalars: Readonly<Partial<Record<ScalarType, JsonValue>>> = {
  [ScalarType.STRING]: "",
  [ScalarType.BYTES]: "",
  [ScalarType.BOOL]: false,
  [ScalarType.INT64]: "0",
  [ScalarType.UINT64]: "0",
  [ScalarType.SINT64]: "0",
  [ScalarType.FIXED64]: "0",
  [ScalarType.SFIXED64]: "0",
};
