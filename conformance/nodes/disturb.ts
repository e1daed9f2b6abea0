import { setTimeout as pause } from "node:timers/promises";
import type { Fault } from "../fault-proxy.ts";
import type { Link } from "./carriers.ts";
import { promised } from "./check.ts";
import { type Fleet, staleAfter } from "./fleet.ts";
import type { Disturbance, History } from "./history.ts";
import type { Random } from "./random.ts";

/** One way in which things go wrong. */
export interface Trouble {
  readonly name: string;
  /** Breaks something, waits, and mends it; what it did is in the history while it lasts. */
  run(fleet: Fleet, history: History, random: Random): Promise<void>;
}

/** A node that knows nothing new refuses after `staleAfter`, and notices that at one of its polls, which are 500 ms apart. */
const cutOffMs = staleAfter * 1000 + 1500;

/** How long a node is left alone afterwards. */
const quietMs = 2000;

/** All that can go wrong with what a carrier brings. */
export function troublesOf(links: readonly Link[]): readonly Trouble[] {
  return [...links.flatMap(troublesOfLink), killed, stopped];
}

function troublesOfLink(link: Link): readonly Trouble[] {
  const cut = (fault: Fault, name: string, ms: number): Trouble => ({
    name: `${link.name} ${name} for ${ms} ms`,
    async run(fleet, history, random) {
      const { index } = random.pick(fleet.nodes);
      const harmless = typeof fault === "object" || !link.essential;
      const boundMs = link.essential ? cutOffMs : promised.unpushed;
      await during(history, { what: this.name, node: index, silent: false, harmless, boundMs }, async () => {
        await link.set(index, fault);
        await pause(ms);
        await link.set(index, "pass");
      });
    },
  });
  const restart: Trouble = {
    name: `${link.name} restarts`,
    run: (_fleet, history) =>
      during(
        history,
        {
          ...{ what: `${link.name} restarts`, node: undefined, silent: false, harmless: !link.essential },
          boundMs: link.essential ? cutOffMs : promised.unpushed,
        },
        async () => link.restart?.(),
      ),
  };
  return [
    cut("refuse", "refuses", 1500),
    cut("reset", "resets", 1000),
    // Longer than a node may go on.
    cut("hang", "hangs", cutOffMs + 1500),
    cut({ delayMs: 100 }, "is slow", 2000),
    ...(link.restart === undefined ? [] : [restart]),
  ];
}

/** Always the last node: what it had counted for less than two seconds is lost, which is promised. */
export const killed: Trouble = {
  name: "kill -9",
  async run(fleet, history) {
    const node = fleet.node(fleet.nodes.length - 1);
    const what = { what: this.name, node: node.index, silent: true, harmless: false, boundMs: cutOffMs };
    await during(history, what, async () => {
      await node.kill();
      await node.start();
    });
  },
};

const stopped: Trouble = {
  name: "SIGSTOP",
  async run(fleet, history, random) {
    const node = random.pick(fleet.nodes);
    const what = { what: this.name, node: node.index, silent: true, harmless: false, boundMs: cutOffMs };
    await during(history, what, async () => {
      node.signal("SIGSTOP");
      await pause(random.between(500, 2000));
      node.signal("SIGCONT");
    });
  },
};

async function during(
  history: History,
  what: Omit<Disturbance, "from" | "until">,
  work: () => Promise<void>,
): Promise<void> {
  const disturbance: Disturbance = { ...what, from: performance.now(), until: Number.POSITIVE_INFINITY };
  history.disturbances.push(disturbance);
  await work();
  disturbance.until = performance.now();
  await pause(quietMs);
}
