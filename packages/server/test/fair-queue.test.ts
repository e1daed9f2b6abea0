import assert from "node:assert/strict";
import { test } from "node:test";
import { FairQueue } from "../src/fair-queue.ts";

/** A queue whose work ends when it is told to, and what has happened in it so far. */
function setup(places: number, placesPerOrigin: number) {
  const queue = new FairQueue({ concurrent: 1, places, placesPerOrigin, full: () => new Error("full") });
  const done: string[] = [];
  const refused: string[] = [];
  const gate = Promise.withResolvers<void>();
  const all: Promise<void>[] = [];
  const add = (name: string, origin?: string, work: () => Promise<void> = async () => {}): void => {
    const run = async (): Promise<void> => {
      await work();
      done.push(name);
    };
    all.push(queue.run(run, origin).catch(() => void refused.push(name)));
  };
  add("first", "first", () => gate.promise);
  const open = (): Promise<unknown> => {
    gate.resolve();
    return Promise.all(all);
  };
  return { add, done, refused, open };
}

test("origins take turns, and within one the order is kept", async () => {
  const { add, done, open } = setup(100, 100);
  for (const name of ["a1", "a2", "a3", "a4", "b1", "c1", "c2"]) add(name, name[0]);
  await open();
  assert.deepEqual(done, ["first", "a1", "b1", "c1", "a2", "c2", "a3", "a4"]);
});

test("one origin has so many places and no more, and those of unknown origin all that are free", async () => {
  const { add, done, refused, open } = setup(6, 2);
  for (const name of ["a1", "a2", "a3"]) add(name, "a");
  for (const name of ["u1", "u2", "u3", "u4", "u5"]) add(name);
  await open();
  assert.deepEqual(refused, ["a3", "u5"]);
  assert.equal(done.length, 7);
});

test("a full queue has a place for who has none: the longest line gives up its newest", async () => {
  const { add, done, refused, open } = setup(4, 4);
  for (const name of ["a1", "a2", "a3", "a4", "b1", "a5", "b2", "b3", "c1", "d1"]) add(name, name[0]);
  await open();
  assert.deepEqual(done.toSorted(), ["a1", "b1", "c1", "d1", "first"]);
  assert.deepEqual(refused.toSorted(), ["a2", "a3", "a4", "a5", "b2", "b3"]);
});

test("what fails gives its place to the next, and the queue is empty in the end", async () => {
  const { add, done, refused, open } = setup(10, 10);
  add("bad", "a", () => Promise.reject(new Error("no")));
  add("good", "a");
  await open();
  assert.deepEqual([done, refused], [["first", "good"], ["bad"]]);
  const queue = new FairQueue({
    concurrent: 2,
    places: 0,
    placesPerOrigin: 1,
    full: () => new Error("full"),
  });
  for (let round = 0; round < 3; round += 1) {
    const both = await Promise.all([queue.run(async () => 1), queue.run(async () => 2)]);
    assert.deepEqual(both, [1, 2]);
  }
});
