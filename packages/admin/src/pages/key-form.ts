import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { text } from "../text.ts";

/** Of one form field: words or lines. */
export function words(value: FormDataEntryValue | null): string[] {
  return String(value ?? "")
    .split(/[\s,]+/)
    .filter(Boolean);
}

export const lifetimes = [
  { value: "30", label: text.keys.days(30) },
  { value: "90", label: text.keys.days(90) },
  { value: "365", label: text.keys.days(365) },
  { value: "", label: text.keys.neverExpires },
] as const;

/** Days from now as a time; none for no end. */
export function expiryOf(days: string) {
  return days === "" ? undefined : timestampFromDate(new Date(Date.now() + Number(days) * 86_400_000));
}

/** `1000/day`: as many calls in each of these. */
export function limitsOf(value: FormDataEntryValue | null): { calls: bigint; per: string }[] {
  return words(value).map((word) => {
    const [calls = "", per = ""] = word.split("/", 2);
    return { calls: /^\d{1,18}$/.test(calls) ? BigInt(calls) : 0n, per };
  });
}

/** The same, written. */
export function limitText(limits: readonly { readonly calls: bigint; readonly per: string }[]): string {
  return limits.map(({ calls, per }) => `${calls}/${per}`).join(", ");
}
