import {
  isReflectList,
  isReflectMap,
  isReflectMessage,
  type ReflectMessage,
} from "@bufbuild/protobuf/reflect";
import type { ConditionBounds } from "./bounds.ts";

/** Is there so little in these fields of the request that a condition may be asked about them? Stops looking when not. */
export function isWithinBounds(
  request: ReflectMessage,
  fields: ReadonlySet<string>,
  bounds: Pick<ConditionBounds, "elements" | "text">,
): boolean {
  const left = { elements: bounds.elements, text: bounds.text };
  return request.fields.every(
    (field) => !fields.has(field.name) || !request.isSet(field) || fits(request.get(field), left),
  );
}

interface Left {
  elements: number;
  text: number;
}

function fits(value: unknown, left: Left): boolean {
  if (--left.elements < 0) return false;
  if (typeof value === "string" || value instanceof Uint8Array) {
    left.text -= value.length;
    return left.text >= 0;
  }
  if (isReflectMessage(value)) {
    return value.fields.every((field) => !value.isSet(field) || fits(value.get(field), left));
  }
  if (isReflectList(value) || isReflectMap(value)) {
    if (value.size > left.elements) return false;
    for (const element of isReflectMap(value) ? value.entries() : value.values()) {
      if (Array.isArray(element) ? !element.every((part) => fits(part, left)) : !fits(element, left))
        return false;
    }
  }
  return true;
}
