import assert from "node:assert/strict";
import test from "node:test";
import { passwordViolation } from "./passwords.ts";

test("REGRESSION: a password of common parts is judged at once, however they overlap", () => {
  const account = { username: "ada", email: "ada@example.com" };
  const started = performance.now();
  for (const part of ["123", "abc", "admin", "administrator", "qwerty", "1", "aa"]) {
    for (let times = 1; part.length * times < 250; times++) {
      void passwordViolation(`${part.repeat(times)}!`, account);
      void passwordViolation(`${part.repeat(times)}x`, account);
    }
  }
  assert.ok(performance.now() - started < 2000);
  assert.ok(passwordViolation("passwordpassword123", account));
  assert.ok(passwordViolation("Password1234567890!", account));
  assert.ok(passwordViolation("adminadminadmin2026", account));
  assert.equal(passwordViolation("correct horse battery", account), undefined);
});
