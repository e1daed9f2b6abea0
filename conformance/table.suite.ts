import { after, before, describe, it } from "node:test";
import { closePages, openPages } from "./clients/browser.ts";
import type { Client, ClientKind } from "./clients/client.ts";
import type { Door, OpenDoor } from "./doors.ts";
import { procedures } from "./procedures.ts";
import { methodAt } from "./protos.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import type { ServerOptions, ServerProcess } from "./server-process.ts";
import { Stage } from "./stage.ts";

/** A door that is open, and the program whose data it shares. */
export interface Opened {
  readonly address: string;
  readonly server: ServerProcess;
}

/** What slow clients are asked for: an RPC that changes something, one that few may call, and a stream. */
const briefly = /UpdateProfile|DeleteUser|Chat/;

/**
 * DESIGN's table "What each situation gives": every credential, every kind of RPC, every client, at each of these doors. `more`
 * adds what only they have.
 */
export function describeTable(
  doors: readonly Door[],
  more: (door: Door, opened: () => Opened) => void = () => {},
): void {
  let stage: Stage;
  const early = new Map<Door, OpenDoor>();
  before(async () => {
    stage = await Stage.set(await optionsFor(doors), async (server) => {
      for (const door of doors.filter(({ of }) => of === "proxy")) early.set(door, await door.open(server));
    });
  });
  after(async () => {
    await stage.clear();
    await closePages();
  });

  for (const door of doors) {
    describe(`the door ${door.name}`, () => {
      let open: OpenDoor;
      before(async () => {
        open = early.get(door) ?? (await door.open(stage.server));
      });
      after(() => open.close());
      for (const kind of [...door.clients, ...door.others]) {
        describe(`asked by ${kind.name}`, () => {
          let client: Client;
          before(async () => {
            client = await kind.connect(open.address);
          });
          after(() => client.close());
          const asked = proceduresFor(kind);
          for (const scenario of scenarios.filter((each) => isFor(each, door, kind)))
            it(scenario.name, () => stage.check(client, scenario, asked));
        });
      }
      more(door, () => ({ address: open.address, server: stage.server }));
    });
  }
}

/** No page of another origin is told anything, unless its origin is named. */
async function optionsFor(doors: readonly Door[]): Promise<ServerOptions> {
  if (!doors.some(({ clients }) => clients.some(({ inBrowser }) => inBrowser))) return {};
  const { origin } = await openPages();
  return { config: `http: { cors: { allowed_origins: ["${origin}"] } }\n` };
}

function proceduresFor({ slow, carries = () => true }: ClientKind) {
  return procedures.filter(({ path }) => (!slow || briefly.test(path)) && carries(methodAt(path)));
}

function isFor({ takes, where, brief }: Scenario, { seesTwice, others }: Door, kind: ClientKind): boolean {
  if (takes !== undefined && !kind.abilities.includes(takes)) return false;
  if (where !== undefined && (where === "sees-twice") !== seesTwice) return false;
  if (brief === true) return true;
  return kind.slow !== true && (takes !== undefined || !others.includes(kind));
}
