import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { passwordViolation } from "./passwords.ts";

const account = { username: "margaret", email: "margaret.hamilton@example.com" };
const said = (password: string): string | undefined => passwordViolation(password, account)?.description;

describe("a new password", () => {
  for (const password of [
    "fifteen letters",
    "correct horse battery staple",
    "пароль из слов и букв",
    "🐎🔋📎✅ and eleven",
    "x7$kQ2!pLm9@vBn",
    "margaret went to the moon",
    "adminship of the harbour",
    `long enough ${"and longer ".repeat(22)}`,
  ]) {
    it(`may be "${password.slice(0, 40)}"`, () => assert.equal(said(password), undefined));
  }

  it("has 15 to 256 characters, however many units they take", () => {
    const letters = "abcdefghijklmno";
    assert.equal(said(letters), undefined);
    assert.match(said(letters.slice(1)) ?? "", /^15 to 256/);
    const horses = [..."🐎🔋📎✅🌍🌙☀️⭐"].join("");
    assert.match(said(horses) ?? "", /^15 to 256/);
    assert.equal(said(letters.repeat(18).slice(0, 256)), undefined);
    assert.match(said(letters.repeat(18).slice(0, 257)) ?? "", /^15 to 256/);
    assert.match(said("") ?? "", /^15 to 256/);
  });

  for (const password of [
    "passwordpassword",
    "Password12345678",
    "qwertyuiopqwertyuiop",
    "123456789012345",
    "aaaaaaaaaaaaaaaaaa",
    "abababababababab",
    "letmein!letmein!",
    "admin-admin-admin",
    "Countersign123456",
    "iloveyou_iloveyou",
  ]) {
    it(`is not "${password}", which everyone tries first`, () => {
      assert.match(said(password) ?? "", /^among the first/);
    });
  }

  for (const password of [
    "margaretmargaret",
    "Margaret-Margaret-1969",
    "margaret.hamilton@example.com",
    "margaret hamilton 123",
    "2024margaret20242024",
  ]) {
    it(`is not "${password}", which is the account's own name`, () => {
      assert.match(said(password) ?? "", /^made of the account's own name/);
    });
  }

  it("is named by the field that it came in", () => {
    assert.equal(passwordViolation("short", account, "new_password")?.field, "new_password");
    assert.equal(passwordViolation("short", { username: "" })?.field, "password");
  });

  it("is looked at quickly, whatever it is", () => {
    // This thread's own time: how busy the machine is says nothing about a password.
    const began = process.threadCpuUsage();
    for (const part of ["password", "0", "pass", "qwerty", "zxcvbn", "asdfgh"])
      passwordViolation(`${part.repeat(60).slice(0, 255)}~`, account);
    const { user, system } = process.threadCpuUsage(began);
    assert.ok(user + system < 200_000, `${user + system} µs`);
  });
});
