import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { JsonReader } from "./json.ts";

// One for all of them: what it remembers of a text must not change how it reads the next.
const reader = new JsonReader();
const parse = (text: string) => reader.read(Buffer.from(text, "utf8"));

test("reads objects", () => {
  const texts = [
    "{}",
    ' { "a" : 1 ,\n"b":{"c":[1,{"d":null}],"e":{}} } ',
    '{"a:b":"c:d","x\\":":"\\\\","y":":z","url":"https://x.example/a: b"}',
    '{"a":"\\u0022:","b":" : : :","c":"\\":"}',
    '{"1":1,"0":0,"-1":2,"":3}',
    '{"constructor":1,"hasOwnProperty":2,"toString":3}',
    '{"ä":"ö","emoji":"\u{1f511}"}',
  ];
  for (const text of texts) assert.deepEqual(parse(text), JSON.parse(text), text);
});

test("refuses duplicate members at any depth and in any spelling", () => {
  const texts = [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"a":1,"a" :2}',
    '{"a" :1, "a"\n:2}',
    '{"x":{"a":1,"a":2}}',
    '{"x":[[{"a":1,"a":2}]]}',
    '{"x":":","a":1,"a":2}',
    '{"x":"\\":","a":1,"a":2}',
    '{"1":1,"1":2}',
    '{"":1,"":2}',
    '{"a":{},"b":1,"a":{"c":1}}',
    '{"a":{"c":1},"b":1,"a":1}',
  ];
  for (const text of texts) assert.equal(parse(text), undefined, text);
});

test("refuses what is not one JSON object", () => {
  for (const text of [
    "",
    "null",
    "1",
    '"a"',
    "[]",
    "[{}]",
    "true",
    "{} {}",
    '{"a":1}x',
    "{'a':1}",
    '{"a":1,}',
    "{",
  ]) {
    assert.equal(parse(text), undefined, text);
  }
});

test("refuses a byte order mark, invalid UTF-8, control characters and __proto__", () => {
  assert.equal(parse('\ufeff{"a":1}'), undefined);
  assert.equal(reader.read(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), undefined);
  assert.equal(
    reader.read(Buffer.from([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d])),
    undefined,
    "overlong",
  );
  assert.equal(
    reader.read(Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])),
    undefined,
    "surrogate",
  );
  assert.equal(parse('{"a":"\n"}'), undefined);
  assert.equal(parse('{"__proto__":{"isAdmin":true}}'), undefined);
  assert.equal(parse('{"a":{"\\u005f_proto__":1}}'), undefined);
});

test("refuses nesting beyond 32 levels without exhausting the stack", () => {
  const nested = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  assert.notEqual(parse(nested(32)), undefined);
  assert.equal(parse(nested(33)), undefined);
  assert.equal(parse(nested(200_000)), undefined);
});

test("a member name with an escape is read right, whatever was read before it", () => {
  // V8 13.6's JSON.parse takes some of these names for others once it has seen the first of them.
  for (const [text, names] of [
    ['{"a":1,"\\\\":1}', ["a", "\\"]],
    ['{"a":1,"\\"":1}', ["a", '"']],
    ['{"a":1,"\\u0062":1}', ["a", "b"]],
    ['{"a":1,"b":1}', ["a", "b"]],
    ['{"a":1,"\\\\u0062":1}', ["a", "\\u0062"]],
    ['{"x":[{"a":1,"b\\u005c":1}]}', ["x"]],
  ] as const) {
    assert.deepEqual(Object.keys(parse(text) ?? {}), names, text);
  }
  assert.equal(parse('{"a":1,"b":2,"\\u0062":1}'), undefined, "a duplicate");
});

test("reads numbers as JSON.parse does, and refuses what it refuses", () => {
  const numbers = [
    ...["0", "7", "10", "1763800000", "-0", "-12", "1.5", "-1.5e-3", "1e3", "1E+3", "0.1", "0e0"],
    ...[
      "99999999999999",
      "123456789012345",
      "999999999999999",
      "9999999999999999",
      "9007199254740993",
      "1e400",
    ],
    ...[
      "",
      "-",
      "+1",
      "01",
      "00",
      "1.",
      ".5",
      "1e",
      "0x10",
      "1_000",
      "\u0661",
      "1a",
      "NaN",
      "Infinity",
      "--1",
    ],
  ];
  for (const number of numbers) {
    for (const text of [
      `{"a":${number}}`,
      `{"a":${number} }`,
      `{"a":${number},"b":1}`,
      `{"a":[${number}]}`,
      `{"a":[${number}\n,2]}`,
    ]) {
      assert.deepEqual(reader.read(Buffer.from(text)), parsed(text), text);
    }
  }
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
