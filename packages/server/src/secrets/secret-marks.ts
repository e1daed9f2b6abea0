import { createHmac } from "node:crypto";
import type { Pepper } from "countersign/api-key";
import type { DerivedKeys } from "../master-key.ts";

/** A mark of a secret: the same for the same secret, and of no use to find it. */
export interface Mark {
  readonly name: string;
  readonly mark: Uint8Array;
}

const masterPrefix = "master:";
const markLength = 16;

/** A pepper is known by its id, and its mark says whether it is the same one. */
export function pepperMark({ id, secret }: Pepper): Mark {
  const mac = createHmac("sha256", secret).update("countersign mark of a pepper").digest();
  return { name: `pepper:${id}`, mark: new Uint8Array(mac.subarray(0, markLength)) };
}

/** Master keys have no ids: each is known by its mark. The current one comes first. */
export function masterMarks({ mark }: Pick<DerivedKeys, "mark">): readonly [Mark, ...Mark[]] {
  const [current, ...previous] = mark;
  return [toMark(current), ...previous.map(toMark)];
}

export function isMasterMark({ name }: Pick<Mark, "name">): boolean {
  return name.startsWith(masterPrefix);
}

function toMark(derived: Uint8Array): Mark {
  const mark = derived.slice(0, markLength);
  return { name: `${masterPrefix}${Buffer.from(mark).toString("hex")}`, mark };
}
