import { setTimeout as pause } from "node:timers/promises";
import { ids } from "../cast.ts";
import type { Outcome } from "../clients/client.ts";
import { bearer } from "../door.ts";
import type { Json } from "../protos.ts";
import type { Fleet, FleetNode } from "./fleet.ts";
import type { Credential, History, Verdict } from "./history.ts";
import type { Random } from "./random.ts";

const demo = "/api.users.UserService";

/** Callers and administrators at work, at every node, who write down what they are told. */
export class Load {
  readonly #fleet: Fleet;
  readonly #history: History;
  readonly #random: Random;
  readonly #running: Promise<void>[] = [];
  /** One for each node, used nowhere else. */
  readonly #lasting: Credential[] = [];
  #count = 0;
  #ended = false;

  constructor(fleet: Fleet, history: History, random: Random) {
    this.#fleet = fleet;
    this.#history = history;
    this.#random = random;
  }

  /** Makes what is needed before anything goes wrong. */
  async prepare(): Promise<void> {
    for (const node of this.#fleet.nodes) {
      const credential = await this.#createKey(node, ids.sam, true);
      if (credential === undefined) throw new Error(`no key at node ${node.index}: ${node.stderr()}`);
      this.#lasting[node.index] = credential;
    }
    for (let index = 0; index < 6; index += 1) await this.#operate();
  }

  /** The key that nobody uses but at this node. */
  lasting(node: number): Credential {
    const credential = this.#lasting[node];
    if (credential === undefined) throw new RangeError(`no node ${node}`);
    return credential;
  }

  begin(): void {
    for (const node of this.#fleet.nodes) {
      this.#repeat(10, () => this.decide(node, this.lasting(node.index)));
      for (let worker = 0; worker < 2; worker += 1) {
        this.#repeat(10, () => this.decide(node, this.#recent()));
      }
      this.#repeat(50, () => this.#watch(node));
    }
    for (let worker = 0; worker < 2; worker += 1) this.#repeat(30, () => this.#operate());
  }

  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#running);
  }

  /** One call, written down. */
  async decide(node: FleetNode, credential: Credential): Promise<Verdict> {
    const askedAt = performance.now();
    const verdict = verdictOf(await node.call(`${demo}/Upload`, {}, credential.header));
    const answeredAt = performance.now();
    this.#history.decisions.push({ credential, node: node.index, askedAt, answeredAt, verdict });
    return verdict;
  }

  /** A new key of a user's, if its making was acknowledged. */
  async #createKey(node: FleetNode, userId: string, lasting = false): Promise<Credential | undefined> {
    this.#count += 1;
    const request = { user_id: userId, name: `key ${this.#count}` };
    const answer = this.#settled(
      await this.#fleet.administer(node, "/auth.v1.ApiKeyService/CreateApiKey", request),
    );
    if (answer === undefined) return undefined;
    const { api_key: record, key } = answer as unknown as { api_key: { id: string }; key: string };
    return this.#history.add({
      ...{ name: `key ${this.#count}`, kind: "key", keyId: record.id, userId, lasting },
      header: ["x-api-key", key],
    });
  }

  /** Ends a credential that is not lasting, at any node. */
  async revoke(node: FleetNode, credential: Credential): Promise<boolean> {
    credential.endAsked = performance.now();
    const outcome = await this.#endingOf(node, credential);
    if (this.#settled(outcome) === undefined) return false;
    credential.end = { at: performance.now(), node: node.index };
    return true;
  }

  newKey(node: FleetNode): Promise<Credential | undefined> {
    return this.#createKey(node, ids.alice);
  }

  #endingOf(node: FleetNode, { kind, keyId = "", userId, header }: Credential): Promise<Outcome> {
    if (kind === "session") {
      const all = this.#random.next() < 0.3 ? "LogoutAll" : "Logout";
      return node.call(`/auth.v1.AuthService/${all}`, {}, header);
    }
    // Its owner has nothing else.
    if (userId !== ids.alice)
      return this.#fleet.administer(node, "/auth.v1.UserService/DisableUser", { id: userId });
    return this.#fleet.administer(node, "/auth.v1.ApiKeyService/RevokeApiKey", { id: keyId });
  }

  async #operate(): Promise<void> {
    const node = this.#random.pick(this.#fleet.nodes);
    const what = this.#random.next();
    if (what < 0.35) await this.newKey(node);
    else if (what < 0.5) await this.#account(node, false);
    else if (what < 0.6) await this.#account(node, true);
    else {
      const mortal = this.#history.credentials.filter(
        ({ lasting, endAsked }) => !lasting && endAsked === undefined,
      );
      if (mortal.length > 8) await this.revoke(node, this.#random.pick(mortal));
    }
  }

  /** A new account with a key, or logged in. */
  async #account(node: FleetNode, logsIn: boolean): Promise<void> {
    this.#count += 1;
    const username = `person${this.#count}`;
    const password = `seven rivers meet at dawn ${this.#count}`;
    const request = { username, password };
    const made = this.#settled(
      await this.#fleet.administer(node, "/auth.v1.UserService/CreateUser", request),
    );
    if (made === undefined) return;
    const { id } = (made as { user: { id: string } }).user;
    if (!logsIn) {
      await this.#createKey(node, id);
      return;
    }
    const nobody = ["x-nobody", "1"] as const;
    const answer = this.#settled(await node.call("/auth.v1.AuthService/Login", request, nobody));
    if (answer === undefined) return;
    const { access_token: token } = answer as unknown as { access_token: string };
    const header = bearer(token);
    this.#history.add({
      name: username,
      kind: "session",
      keyId: undefined,
      userId: id,
      header,
      lasting: false,
    });
  }

  /** A stream with a key that may soon be revoked, until it ends. */
  async #watch(node: FleetNode): Promise<void> {
    const credential = this.#recent();
    let openedAt: number | undefined;
    const outcome = await node.call(`${demo}/WatchUsers`, {}, credential.header, {
      timeoutMs: 4000,
      onAnswer: () => (openedAt ??= performance.now()),
    });
    if (openedAt === undefined) return;
    const endedAt = performance.now();
    this.#history.streams.push({
      credential,
      node: node.index,
      openedAt,
      endedAt,
      verdict: verdictOf(outcome),
    });
  }

  /** One of those that were made lately, ended or not. */
  #recent(): Credential {
    const mortal = this.#history.credentials.filter(({ lasting }) => !lasting).slice(-25);
    return this.#random.pick(mortal);
  }

  #settled({ code, answers }: Outcome): Json | undefined {
    if (code === 0) this.#history.acknowledged += 1;
    else this.#history.unknown += 1;
    return code === 0 ? (answers[0] ?? {}) : undefined;
  }

  #repeat(everyMs: number, work: () => Promise<unknown>): void {
    const run = async (): Promise<void> => {
      while (!this.#ended) {
        const answer = await work();
        await pause(answer === "absent" ? 50 : everyMs);
      }
    };
    this.#running.push(run());
  }
}

function verdictOf({ code, reason, message }: Outcome): Verdict {
  if (code === 0) return "ok";
  return reason ?? (message.includes("ECONNREFUSED") ? "absent" : "unanswered");
}
