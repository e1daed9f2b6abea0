import { deepEqual, equal, ok } from "node:assert/strict";
import { Administrator, assemble, type Cast } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import type { Procedure } from "./procedures.ts";
import type { Json } from "./protos.ts";
import { expectationOf, type Scenario } from "./scenario.ts";
import { type ServerOptions, type ServerProcess, startServer } from "./server-process.ts";

/** The real program with its cast, and an administrator who sees what each call has changed. */
export class Stage {
  readonly server: ServerProcess;
  readonly administrator: Administrator;
  readonly cast: Cast;
  /** The account that may be deleted. */
  #victim: string;
  /** Everything that a call can change, as it was after the last one. */
  #everything: Json;
  #marks = 0;

  private constructor(
    server: ServerProcess,
    administrator: Administrator,
    cast: Cast,
    victim: string,
    everything: Json,
  ) {
    this.server = server;
    this.administrator = administrator;
    this.cast = cast;
    this.#victim = victim;
    this.#everything = everything;
  }

  /** `beforeCast`: what has to be there before keys are that no other node would start with. */
  static async set(
    options: ServerOptions = {},
    beforeCast: (server: ServerProcess) => Promise<void> = async () => {},
  ): Promise<Stage> {
    const server = await startServer(options);
    await beforeCast(server);
    const administrator = await Administrator.of(server);
    const cast = await assemble(server, administrator);
    const victim = await administrator.createUser("victim-0");
    return new Stage(server, administrator, cast, victim, await administrator.everything());
  }

  async clear(): Promise<void> {
    await this.administrator.close();
    await this.server.stop();
  }

  /** A credential at some RPCs: outcomes are those that the table names, and nothing has changed but what may. */
  async check(client: Client, scenario: Scenario, asked: readonly Procedure[]): Promise<void> {
    // What is refused to somebody is refused to those below: no change is hidden by one that was allowed.
    for (const procedure of asked) await this.#check(client, scenario, procedure);
    await this.nothingChanged(scenario.name);
  }

  async #check(client: Client, scenario: Scenario, procedure: Procedure): Promise<void> {
    const { path, take, changes } = procedure;
    const expected = expectationOf(scenario.gives, procedure);
    const mark = `mark ${++this.#marks}`;
    const requests = procedure.requests(mark, this.#victim);
    const headers = await scenario.headers(this.cast);
    const outcome = await client.call({
      procedure: path,
      requests,
      headers,
      ...(take !== undefined && { take }),
    });
    if (expected.allowed === undefined) {
      const { code, message, reason, domain, answers } = outcome;
      const { allowed: _nobody, ...refusal } = expected;
      deepEqual(
        { code, message, reason, domain, answers },
        { ...refusal, domain: "countersign", answers: [] },
        path,
      );
      return;
    }
    equal(outcome.code, 0, `${path}: ${outcome.message}`);
    const named = procedure.caller(outcome.answers[0] ?? {});
    if (named !== undefined) equal(named, expected.allowed.name, path);
    if (changes !== undefined) await this.#changed(changes, expected.allowed.name, mark);
  }

  /** Fails if anything is different from what it was after the last call. */
  async nothingChanged(what: string): Promise<void> {
    deepEqual(await this.administrator.everything(), this.#everything, `${what} changed something`);
  }

  async #changed(what: "bio" | "victim", caller: string, mark: string): Promise<void> {
    const everything = await this.administrator.everything();
    const users = everything["users"] as readonly Json[];
    if (what === "bio") {
      equal(users.find(({ username }) => username === caller)?.["bio"], mark);
    } else {
      ok(!users.some(({ id }) => id === this.#victim), "the account is still there");
      this.#victim = await this.administrator.createUser(`victim-${this.#marks}`);
    }
    this.#everything = await this.administrator.everything();
  }
}
