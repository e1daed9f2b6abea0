import type { Browser } from "playwright-core";
import { Administrator, ids } from "../cast.ts";
import { until } from "../deadline.ts";
import { type ServerProcess, startServer } from "../server-process.ts";
import { type Account, startBrowser, type Visit, type VisitOptions, visit } from "./browser.ts";
import { type Answer, ask } from "./browser-request.ts";

/** The program, somebody who may do everything there, and a browser. To be closed. */
export class AdminStage {
  readonly server: ServerProcess;
  readonly administrator: Administrator;
  readonly #browser: Browser;

  private constructor(server: ServerProcess, administrator: Administrator, browser: Browser) {
    this.server = server;
    this.administrator = administrator;
    this.#browser = browser;
  }

  /** With signing keys of its own: one of the pages is about them. `config`: the text of a configuration file. */
  static async open(config?: string): Promise<AdminStage> {
    const server = await startServer({ signing: "managed", ...(config !== undefined && { config }) });
    return AdminStage.#on(server).catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
  }

  static async #on(server: ServerProcess): Promise<AdminStage> {
    const admin = server.users.find(({ username }) => username === "admin");
    const { access_token: token } = (await ask(server.http, "/auth/token", { body: admin })).json();
    return new AdminStage(server, await Administrator.with(server, String(token)), await startBrowser());
  }

  get origin(): string {
    return `http://${this.server.http}`;
  }

  account(name: string): Account {
    const found = this.server.users.find(({ username }) => username === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  visit(options: Omit<VisitOptions, "origin"> = {}): Promise<Visit> {
    return visit(this.#browser, { origin: this.origin, ...options });
  }

  /** A call as a service makes it, with a key or without. */
  call(key: string | undefined, userAgent = "orders/2.1"): Promise<Answer> {
    const headers = { "user-agent": userAgent, ...(key !== undefined && { "x-api-key": key }) };
    return ask(this.server.http, "/auth.v1.AuthService/WhoAmI", { headers, body: {} });
  }

  /** Waits until the log has a call of that key: lists that do not come by themselves show what is there. */
  logged(keyId: string): Promise<void> {
    return until(10_000, "the call in the log", async () => {
      const filter = { api_key_id: keyId };
      const { requests } = await this.administrator.call("/auth.v1.LogService/ListRequests", { filter });
      return (requests as readonly unknown[]).length > 0;
    });
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.administrator.close();
    await this.server.stop();
  }
}

/** Keys of every kind, and calls that ended in several ways: so that every page has something to show. */
export async function furnish(stage: AdminStage): Promise<{ readonly keyId: string }> {
  const { administrator } = stage;
  const { id, key } = await administrator.createKey(ids.alice, "Analytics Service");
  const limited = await administrator.createKey(ids.sam, "Mobile App Backend", ["orders:read"]);
  const revoked = await administrator.createKey(ids.alice, "Old Webhook");
  // Longer than a phone is wide.
  const methods = { values: ["/auth.v1.AuthService/*", "/api.users.UserService/GetUser"] };
  await administrator.call("/auth.v1.ApiKeyService/UpdateApiKey", { id, methods });
  await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id: revoked.id, reason: "not needed" });
  for (const one of [key, key, key, limited.key, revoked.key, undefined]) await stage.call(one);
  return { keyId: id };
}
