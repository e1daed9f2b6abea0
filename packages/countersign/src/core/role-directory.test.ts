import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRevocations } from "./revocation.ts";
import type { RoleDefinition } from "./role.ts";
import { createRoleDirectory } from "./role-directory.ts";

const roleNames = ["a", "b", "c", "d"] as const;
const pattern = fc.constantFrom("o:r", "o:w", "p:r", "o:*", "*:r", "**", "free");
const asked = fc.constantFrom("o:r", "o:w", "p:r", "p:w", "free", "else");

/** Roles without circles: each inherits only from those after it. */
function roles(permission: fc.Arbitrary<string>): fc.Arbitrary<readonly RoleDefinition[]> {
  return fc.tuple(
    ...roleNames.map((name, index) =>
      fc.record({
        name: fc.constant(name as string),
        permissions: fc.array(permission, { maxLength: 3 }),
        inherits: fc.subarray(roleNames.slice(index + 1) as string[]),
      }),
    ),
  );
}
const anyPattern = fc.oneof(
  pattern,
  pattern.map((text) => `!${text}`),
);
const held = fc.subarray([...roleNames, "unknown"] as string[]);

/** A directory whose source a test can change. */
async function directoryOf(definitions: readonly RoleDefinition[]) {
  const source = { now: definitions, load: () => source.now };
  return { source, directory: await createRoleDirectory({ source }) };
}

/** The meaning of roles, written as plainly as can be. */
function naiveTexts(definitions: readonly RoleDefinition[], names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const role = definitions.find((candidate) => candidate.name === name);
    return role === undefined ? [] : [...role.permissions, ...naiveTexts(definitions, role.inherits ?? [])];
  });
}

describe("roles", () => {
  it("give what they and their parents say, whatever they said before", async () => {
    await fc.assert(
      fc.asyncProperty(
        roles(anyPattern),
        roles(anyPattern),
        held,
        asked,
        async (before, after, names, permission) => {
          const { source, directory } = await directoryOf(before);
          const live = directory.permissionsOf(names, ["own:*"]);
          live.has(permission);
          source.now = after;
          await directory.reload();
          const { directory: fresh } = await directoryOf([
            { name: "all", permissions: ["own:*", ...naiveTexts(after, names)] },
          ]);
          const expected = fresh.permissionsOf(["all"]);
          assert.equal(live.has(permission), expected.has(permission));
          assert.equal(live.denies?.(permission), expected.denies?.(permission));
          assert.ok(live.has("own:x") === expected.has("own:x"));
          assert.equal(
            live,
            directory.permissionsOf(names.toReversed(), ["own:*"]),
            "the same names, the same set",
          );
        },
      ),
    );
  });

  it("that are removed and deny nothing never add a right", async () => {
    await fc.assert(
      fc.asyncProperty(roles(pattern), held, asked, async (definitions, names, permission) => {
        const { directory } = await directoryOf(definitions);
        const all = directory.permissionsOf(names);
        for (const name of names) {
          const fewer = directory.permissionsOf(names.filter((other) => other !== name));
          assert.ok(all.has(permission) || !fewer.has(permission));
          assert.ok(all.hasRole?.("a") === true || fewer.hasRole?.("a") !== true);
        }
      }),
    );
  });

  it("never give more for a denial that is added", async () => {
    await fc.assert(
      fc.asyncProperty(
        roles(anyPattern),
        held,
        pattern,
        asked,
        fc.nat(3),
        async (before, names, denied, permission, at) => {
          const { source, directory } = await directoryOf(before);
          const live = directory.permissionsOf(names);
          const had = live.has(permission);
          source.now = before.map((role, index) =>
            index === at ? { ...role, permissions: [...role.permissions, `!${denied}`] } : role,
          );
          await directory.reload();
          assert.ok(had || !live.has(permission));
        },
      ),
    );
  });

  it("are held by inheritance, until it ends", async () => {
    const { source, directory } = await directoryOf([
      { name: "lead", permissions: [], inherits: ["support"] },
      { name: "support", permissions: ["orders:read"] },
    ]);
    const live = directory.permissionsOf(["lead"]);
    assert.deepEqual(
      [live.hasRole?.("lead"), live.hasRole?.("support"), live.has("orders:read")],
      [true, true, true],
    );
    source.now = [{ name: "lead", permissions: [] }];
    await directory.reload();
    assert.deepEqual(
      [live.hasRole?.("lead"), live.hasRole?.("support"), live.has("orders:read")],
      [true, false, false],
    );
  });

  it("are refused as a whole for one that is wrong, and those of before stay", async () => {
    const good = [{ name: "a", permissions: ["o:r"] }];
    const chain = Array.from({ length: 11 }, (_, n) => ({
      name: `r${n}`,
      permissions: [],
      inherits: n === 0 ? [] : [`r${n - 1}`],
    }));
    const wrong: [RoleDefinition[], RegExp][] = [
      [[{ name: "a", permissions: [], inherits: ["a"] }], /a: roles inherit from one another in a circle/],
      [
        [
          { name: "a", permissions: [], inherits: ["b"] },
          { name: "b", permissions: [], inherits: ["a"] },
        ],
        /circle/,
      ],
      [[{ name: "a", permissions: [], inherits: ["gone"] }], /there is no role gone/],
      [[{ name: "a b", permissions: [] }], /name: 1 to 100 letters/],
      [[{ name: "a", permissions: ["o*"] }], /permissions: a wildcard stands for/],
      [chain, /a chain of more than 10 roles/],
      [chain.toReversed(), /a chain of more than 10 roles/],
    ];
    await directoryOf(chain.slice(0, 10));
    for (const [definitions, message] of wrong) {
      await assert.rejects(directoryOf(definitions), message);
      const { source, directory } = await directoryOf(good);
      source.now = definitions;
      await assert.rejects(async () => directory.reload(), message);
      assert.ok(directory.permissionsOf(["a"]).has("o:r"));
    }
  });

  it("are those of the newest reading, in whatever order the answers come", async () => {
    const answers: ((roles: readonly RoleDefinition[]) => void)[] = [];
    let first = true;
    const load = (): readonly RoleDefinition[] | Promise<readonly RoleDefinition[]> => {
      if (first) return [];
      return new Promise((resolve) => answers.push(resolve));
    };
    const directory = await createRoleDirectory({ source: { load } });
    first = false;
    const readings = [directory.reload(), directory.reload()];
    answers[1]?.([{ name: "a", permissions: ["new"] }]);
    await readings[1];
    answers[0]?.([{ name: "a", permissions: ["old"] }]);
    await readings[0];
    assert.deepEqual([...directory.permissionsOf(["a"])], ["new"]);
  });

  it("tell of each reading, so that open streams are judged again", async () => {
    const revocations = createRevocations();
    let told = 0;
    revocations.onChange(() => told++);
    const directory = await createRoleDirectory({ source: { load: () => [] }, revocations });
    await directory.reload();
    assert.equal(told, 2);
    assert.equal(revocations.check({ userId: "1", keyId: "k" }, 0), "good", "and nothing is read again");
  });
});
