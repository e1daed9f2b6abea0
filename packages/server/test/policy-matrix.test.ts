import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { DescService } from "@bufbuild/protobuf";
import { type CallContext, CallError } from "countersign";
import type { ServiceHandlers } from "countersign/grpc";
import { servable } from "../src/descriptors.ts";
import type { ServedService } from "../src/served-service.ts";
import { tokenEndpointPaths } from "../src/token-endpoints.ts";
import { allOrNone } from "./all-or-none.ts";
import { type Credential, callForm } from "./doors.ts";
import { type InProcessNode, startInProcess } from "./in-process-node.ts";
import {
  adaptersToAsk,
  type Cell,
  type MatrixDoor,
  type MatrixDoors,
  openMatrixDoors,
} from "./matrix-doors.ts";
import { matrixPeople } from "./matrix-people.ts";
import { scratchFolder } from "./program.ts";

// Who passes which rule: every RPC of the product and of the demo service, and the forms of OAuth, every kind of caller, every
// door: the program's own, the same rules in front of routes of the HTTP frameworks and of Nest, and what proxies are told who stand before
// such services. The rows are made of descriptors, so that no RPC can be forgotten; what they should say is committed.

type Matrix = Record<string, Record<string, string>>;

const golden = new URL("policy-matrix.json", import.meta.url);
const updating = process.env["UPDATE_MATRIX"] === "1";
const refresh =
  "UPDATE_MATRIX=1 node --conditions=countersign-source --test packages/server/test/policy-matrix.test.ts";
const methods = servable.flatMap((service) => service.methods);
const nameOf = ({ parent, name }: (typeof methods)[number]): string => `/${parent.typeName}/${name}`;
const forms = Object.values(tokenEndpointPaths);

/** Handlers that have begun since the last time. */
let begun = 0;

/** Each handler says that it has begun by the status that no rule gives. */
function began(): never {
  begun += 1;
  throw new CallError("ABORTED", "begun");
}

function counting({ descriptor }: ServedService): ServedService {
  const handlers = descriptor.methods.map(({ localName, methodKind }) => {
    const streams = methodKind === "server_streaming" || methodKind === "bidi_streaming";
    // biome-ignore lint/correctness/useYield: it ends before it has anything to say
    const stream = async function* (): AsyncGenerator<never> {
      began();
    };
    return [localName, (_request: unknown, _context: CallContext) => (streams ? stream() : began())];
  });
  return { descriptor, handlers: Object.fromEntries(handlers) as ServiceHandlers<DescService> };
}

describe("every caller at every RPC", () => {
  const seen: Matrix = {};
  /** How many RPCs were asked for at each door. */
  const asked = new Map<string, number>();
  let expected: Matrix;
  let node: InProcessNode;
  let people: readonly (readonly [string, Credential])[];
  let opened: MatrixDoors;
  let started: { readonly close: () => Promise<void> } | undefined;
  before(async () => {
    expected = JSON.parse(readFileSync(golden, "utf8")) as Matrix;
    const replace = { service: counting, form: async () => began() };
    started = await allOrNone(async (atEnd) => {
      node = await startInProcess({ data: join(scratchFolder(), "data"), replace });
      atEnd(() => node.close());
      people = Object.entries(await matrixPeople(node));
      opened = await openMatrixDoors(node, began);
      atEnd(() => opened.close());
      return {};
    });
  });
  after(async () => {
    await started?.close();
    if (updating && started !== undefined) writeFileSync(golden, `${JSON.stringify(seen, undefined, 2)}\n`);
  });

  /** Everybody at one door at once: no handler begins but of those who were let in, and the database stays as it is. */
  async function ask(
    door: string,
    call: (credential: Credential) => Promise<Cell>,
  ): Promise<Map<string, Cell>> {
    begun = 0;
    const cells = await Promise.all(
      people.map(async ([who, credential]) => [who, await call(credential)] as const),
    );
    const allowed = cells.filter(([, { text }]) => text === "allowed").length;
    assert.equal(begun, allowed, `${door}: handlers that began`);
    return new Map(cells);
  }

  function compare(name: string, row: ReadonlyMap<string, Cell>): void {
    seen[name] = Object.fromEntries([...row].map(([who, { text }]) => [who, text]));
    if (!updating)
      assert.deepEqual(seen[name], expected[name], `look at what is different; if it is meant: ${refresh}`);
  }

  for (const method of methods) {
    it(nameOf(method), async () => {
      const digest = node.digest();
      let first: Map<string, Cell> | undefined;
      for (const [door, { takes, ask: askFor }] of Object.entries(opened.doors)) {
        if (!takes(method)) continue;
        const row = await ask(door, (credential) => askFor(method, credential));
        asked.set(door, (asked.get(door) ?? 0) + 1);
        first ??= row;
        assert.deepEqual(row, first, `${door} differs`);
      }
      assert.equal(node.digest(), digest, "the database");
      compare(nameOf(method), first ?? new Map());
    });
  }

  for (const path of forms) {
    it(`POST ${path}`, async () => {
      const digest = node.digest();
      const row = await ask("forms", async (credential) => {
        const { status, body } = await callForm(node.addresses.http, path, { credential });
        const { error_description: text = "", reason = "" } = body as Record<string, string>;
        return status === 409 ? { text: "allowed", reason: "" } : { text, reason };
      });
      assert.equal(node.digest(), digest, "the database");
      compare(`POST ${path}`, row);
    });
  }

  it("has a door for every adapter of the library, and for whatever proxies may ask by", () => {
    const doors = Object.values(opened.doors).map(({ of }) => of);
    assert.deepEqual(
      adaptersToAsk(node.config).filter((adapter) => !doors.includes(adapter)),
      [],
      "adapters without a door: give each an entry in matrix-doors.ts",
    );
    const takers = (door: MatrixDoor): number => methods.filter(door.takes).length;
    const all = Object.entries(opened.doors).map(([door, each]) => [door, takers(each)] as const);
    assert.deepEqual([...asked].sort(), all.sort());
    const columns = new Set(Object.values(expected).map((row) => Object.keys(row).join()));
    assert.deepEqual([...columns], [people.map(([who]) => who).join()]);
  });

  it("has a row for every RPC and route with a rule, and no other", () => {
    const known = node.auth.rules().map(({ procedure }) => procedure);
    const ruled = known.filter((procedure) => !procedure.startsWith("/grpc."));
    const rows = [...methods.map(nameOf), ...forms.map((path) => `POST ${path}`)];
    assert.deepEqual(rows.sort(), ruled.sort());
    if (!updating)
      assert.deepEqual(Object.keys(expected).sort(), rows, `rows of RPCs that are gone: ${refresh}`);
  });
});
