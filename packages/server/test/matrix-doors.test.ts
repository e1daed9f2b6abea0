import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { allOrNone } from "./all-or-none.ts";
import { type InProcessNode, startInProcess } from "./in-process-node.ts";
import { openMatrixDoors } from "./matrix-doors.ts";
import { scratchFolder, until } from "./program.ts";

/** What keeps this process, by kind. */
const listeners = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap").length;

const run = (): never => {
  throw new Error("no call is made");
};

/** A node whose guard cannot be made any more after the first few. */
function failingAfter(node: InProcessNode, few: number): InProcessNode {
  let made = 0;
  const bareAuth: InProcessNode["bareAuth"] = () => {
    made += 1;
    if (made > few) throw new Error(`no guard after ${few}`);
    return node.bareAuth();
  };
  return { ...node, bareAuth };
}

describe("the doors of the matrix", () => {
  it("are all closed again when one of them cannot be opened", async () => {
    const node = await startInProcess({ data: join(scratchFolder(), "data") });
    try {
      const before = listeners();
      // Node lets go of a port a turn after it has said so.
      const allClosed = (when: string) => until(1000, when, async () => listeners() === before);
      // Of five frameworks' routes and of Nest.
      for (let few = 0; few < 6; few++) {
        await assert.rejects(openMatrixDoors(failingAfter(node, few), run), {
          message: `no guard after ${few}`,
        });
        await allClosed(`after ${few} guards`);
      }
      const doors = await openMatrixDoors(failingAfter(node, 6), run);
      assert.ok(listeners() > before);
      await doors.close();
      await allClosed("all doors");
    } finally {
      await node.close();
    }
  });

  it("and their node are stopped from the last to the first, whatever one of them says", async () => {
    const stopped: string[] = [];
    const start = allOrNone(async (atEnd) => {
      atEnd(() => stopped.push("first"));
      atEnd(() => Promise.reject(new Error("it does not stop")));
      atEnd(() => stopped.push("last"));
      throw new Error("it does not start");
    });
    await assert.rejects(start, { message: "it does not start" });
    assert.deepEqual(stopped, ["last", "first"]);
  });
});
