import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { credentialStart, longestCredential, refuseUnrecognized } from "./credential.ts";

describe("the scheme of a credential", () => {
  it("is matched without regard to case and followed by one space", () => {
    for (const value of ["Bearer abc", "bearer abc", "BEARER abc", "bEaReR abc"]) {
      assert.equal(credentialStart(value, "Bearer"), 7);
    }
    for (const value of [
      "",
      "Bearer",
      "abc",
      "Bearer\tabc",
      "Bearerabc",
      "Bearer-abc",
      "Basic abc",
      " Bearer abc",
      "Bear abc",
    ]) {
      assert.equal(credentialStart(value, "Bearer"), -1, value);
    }
  });

  it("need not be there where none is configured", () => {
    assert.equal(credentialStart("abc", ""), 0);
    assert.equal(credentialStart("", ""), 0);
  });
});

describe("what nothing recognises", () => {
  it("is malformed by its form, and otherwise what its authenticator says", () => {
    assert.equal(refuseUnrecognized("Bearer abc.def-_~+/==", "Bearer", "TOKEN_INVALID"), "TOKEN_INVALID");
    for (const rest of ["", " abc", "a b", "a\tb", "ä", 'a"b', "=", "a=b"]) {
      assert.equal(
        refuseUnrecognized(`Bearer ${rest}`, "Bearer", "TOKEN_INVALID"),
        "CREDENTIALS_MALFORMED",
        rest,
      );
    }
    assert.equal(refuseUnrecognized("abc", "Bearer", "TOKEN_INVALID"), "CREDENTIALS_MALFORMED");
  });

  it("is malformed if it is too long, unread", () => {
    const value = "a".repeat(longestCredential);
    assert.equal(refuseUnrecognized(value, "", "API_KEY_INVALID"), "API_KEY_INVALID");
    assert.equal(refuseUnrecognized(`${value}a`, "", "API_KEY_INVALID"), "CREDENTIALS_MALFORMED");
  });
});
