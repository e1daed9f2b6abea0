/** What a store gives back as it was. */
export const texts = [
  "'; drop table users; --",
  '"quoted" `ticks` \\ % _ ? :name @p1 $1',
  "line\nbreak\ttab\r",
  "\u{1f600}\u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u202eabc",
  "\u65e5\u672c\u8a9e \u05e2\u05d1\u05e8\u05d9\u05ea",
  "__proto__",
  "constructor",
  "null",
  "x".repeat(10_000),
  "\u{1f600}".repeat(2_500),
];

/** What no store could give back. */
export const unstorable = ["nul\0inside", "\0", "lone \ud800 surrogate", "\udfff"];
