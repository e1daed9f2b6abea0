import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { apiKeyPrefix, generateApiKey, parseApiKey } from "./key-format.ts";

/** The checksum by itself: CRC-32 in six digits of base 62. */
function withChecksum(body: string): string {
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let text = "";
  for (let rest = crc32(body); rest > 0; rest = Math.floor(rest / 62))
    text = (digits[rest % 62] ?? "") + text;
  return body + text.padStart(6, "0");
}

const environment = fc.stringMatching(/^[a-z0-9]{2,16}$/);

describe("a generated key", () => {
  it("has the shape of the design: prefix, environment, public id, secret and checksum", () => {
    for (let run = 0; run < 200; run++) {
      const { key, id, environment: where, body } = generateApiKey("live");
      assert.match(key, /^cs_live_[0-9A-Za-z]{17}_[0-9A-Za-z]{49}$/);
      assert.equal(where, "live");
      assert.equal(key.split("_")[2], id);
      assert.equal(body, key.slice(0, -6));
    }
  });

  it("is random in its id and in its secret, over the whole alphabet", () => {
    const keys = Array.from({ length: 500 }, () => generateApiKey("dev"));
    assert.equal(new Set(keys.map(({ id }) => id)).size, 500);
    const secrets = keys.map(({ body }) => body.split("_")[3] ?? "");
    assert.equal(new Set(secrets).size, 500);
    // The first character of 256 bits in base 62 is short of the rest; all others take any value.
    assert.equal(new Set(secrets.map((secret) => secret.slice(1)).join("")).size, 62);
  });

  it("comes apart as it was put together, for every environment and prefix", () => {
    fc.assert(
      fc.property(environment, environment, (name, prefix) => {
        const { key, ...parts } = generateApiKey(name, { prefix });
        assert.deepEqual(parseApiKey(key, { prefix }), parts);
        assert.ok(key.startsWith(`${prefix}_${name}_`));
      }),
      { numRuns: 200 },
    );
  });

  it("is refused for a name that is none", () => {
    for (const name of ["", "a", "LIVE", "li_ve", "li-ve", "a".repeat(17), "lïve", "live\n"]) {
      assert.throws(() => generateApiKey(name), TypeError, JSON.stringify(name));
      assert.throws(() => generateApiKey("live", { prefix: name }), TypeError, JSON.stringify(name));
    }
    assert.equal(apiKeyPrefix({}), "cs_");
  });
});

describe("parseApiKey()", () => {
  const { key } = generateApiKey("live");

  it("refuses every change of a single character", () => {
    const character = fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 1 });
    fc.assert(
      fc.property(fc.nat(key.length - 1), character, (at, other) => {
        fc.pre(key[at] !== other);
        assert.equal(parseApiKey(key.slice(0, at) + other + key.slice(at + 1)), undefined);
      }),
      { numRuns: 3000 },
    );
  });

  it("refuses every lost, added or exchanged character", () => {
    for (let at = 0; at <= key.length; at++) {
      assert.equal(parseApiKey(`${key.slice(0, at)}0${key.slice(at)}`), undefined);
      if (at < key.length) assert.equal(parseApiKey(key.slice(0, at) + key.slice(at + 1)), undefined);
      const swapped = key.slice(0, at) + (key[at + 1] ?? "") + (key[at] ?? "") + key.slice(at + 2);
      if (swapped !== key) assert.equal(parseApiKey(swapped), undefined);
    }
  });

  it("refuses what is no key of ours, of any text", () => {
    fc.assert(
      fc.property(
        fc.string(),
        (text) => parseApiKey(text) === undefined && parseApiKey(`cs_${text}`) === undefined,
      ),
    );
    for (const text of [
      "",
      "cs",
      "cs_",
      "cs___",
      `${key} `,
      ` ${key}`,
      `${key}\n`,
      key.toUpperCase(),
      key.repeat(50),
    ]) {
      assert.equal(parseApiKey(text), undefined);
    }
  });

  it("refuses a key of another prefix", () => {
    const acme = generateApiKey("live", { prefix: "acme" });
    assert.equal(parseApiKey(acme.key), undefined);
    assert.equal(parseApiKey(key, { prefix: "acme" }), undefined);
    assert.deepEqual(parseApiKey(acme.key, { prefix: "acme" })?.id, acme.id);
  });

  it("knows the checksum of a key that was written down", () => {
    const known = "cs_live_0123456789ABCDEFG_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";
    assert.equal(parseApiKey(`${known}000000`), undefined);
    assert.equal(parseApiKey(`${known}3eFqhR`)?.id, "0123456789ABCDEFG");
  });

  it("refuses another shape although its checksum is right", () => {
    const [id, secret] = ["0123456789ABCDEFG", "a".repeat(43)];
    assert.ok(parseApiKey(withChecksum(`cs_live_${id}_${secret}`)));
    for (const body of [
      `cs_live_${id}_${"a".repeat(49)}_`,
      `cs_live_${id}_${"a".repeat(49)}_${secret}`,
      `cs_live_${id}_${secret}a`,
      `cs_live_${id}_${secret.slice(1)}`,
      `cs_live_${id}_${secret.slice(1)}-`,
      `cs_live_${id}a_${secret}`,
      `cs_live_${id.slice(1)}-_${secret}`,
      `cs_LIVE_${id}_${secret}`,
      `cs_l_${id}_${secret}`,
      `cs__${id}_${secret}`,
      `cs_${id}_${secret}`,
    ]) {
      assert.equal(parseApiKey(withChecksum(body)), undefined, body);
    }
  });
});
