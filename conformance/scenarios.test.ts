import { after, before, describe, it } from "node:test";
import type { Client } from "./clients/client.ts";
import { clientKinds } from "./clients.ts";
import { procedures } from "./procedures.ts";
import { methodAt } from "./protos.ts";
import { scenarios } from "./scenarios.ts";
import { Stage } from "./stage.ts";

// DESIGN's table "What each situation gives": every credential, every kind of RPC, every client.

let stage: Stage;
before(async () => {
  stage = await Stage.set();
});
after(() => stage.clear());

/** What slow clients are asked for: an RPC that changes something, one that few may call, and a stream. */
const briefly = /UpdateProfile|DeleteUser|Chat/;

for (const kind of clientKinds) {
  const { carries = () => true } = kind;
  const asked = procedures
    .filter(({ path }) => !kind.slow || briefly.test(path))
    .filter(({ path }) => carries(methodAt(path)));

  describe(`what each situation gives to ${kind.name}`, () => {
    let client: Client;
    before(async () => {
      client = await kind.connect(stage.server[kind.listener ?? "grpc"]);
    });
    after(() => client.close());

    for (const scenario of scenarios) {
      if (scenario.takes !== undefined && !kind.abilities.includes(scenario.takes)) continue;
      if (kind.slow && !scenario.brief) continue;
      it(scenario.name, async () => {
        for (const procedure of asked) await stage.check(client, scenario, procedure);
      });
    }
  });
}
