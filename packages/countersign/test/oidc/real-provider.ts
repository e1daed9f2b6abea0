import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { type Configuration, type JWK } from "oidc-provider";

export type SigningAlgorithm = "RS256" | "ES256" | "EdDSA";

const redirectUri = "https://client.example/callback";
const secret = "the secret of every client, which is long enough";
const resource = "https://api.example";

let kids = 0;

function privateJwk(alg: SigningAlgorithm): JWK {
  const { privateKey } =
    alg === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : alg === "ES256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("ed25519");
  return { ...privateKey.export({ format: "jwk" }), alg, use: "sig", kid: `${alg}-${++kids}` } as JWK;
}

const algorithms: readonly SigningAlgorithm[] = ["RS256", "ES256", "EdDSA"];

function configuration(keys: readonly JWK[], alg: SigningAlgorithm): Configuration {
  const client = { client_secret: secret, redirect_uris: [redirectUri] };
  return {
    clients: [
      ...algorithms.map((algorithm) => ({
        ...client,
        client_id: `app-${algorithm}`,
        grant_types: ["authorization_code", "client_credentials", "implicit"],
        response_types: ["code" as const, "code id_token" as const],
        id_token_signed_response_alg: algorithm,
      })),
      { ...client, client_id: "guard", grant_types: [], response_types: [], redirect_uris: [] },
    ],
    jwks: { keys: [...keys] },
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username"] },
    pkce: { required: () => false },
    cookies: { keys: ["a key for cookies of a test"] },
    ttl: {
      AccessToken: 300,
      ClientCredentials: 300,
      IdToken: 300,
      Interaction: 300,
      Session: 300,
      Grant: 300,
    },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.org`,
        email_verified: id !== "unverified",
        preferred_username: id,
      }),
    }),
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "orders:read",
          audience: resource,
          accessTokenTTL: 300,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg } },
        }),
      },
    },
  };
}

/** What a login ends with. */
export interface Tokens {
  readonly access_token: string;
  readonly id_token: string;
  /** Of the hybrid flow, which has no access token yet. */
  readonly code?: string;
}

/** `oidc-provider`, a certified one, on loopback. Its development pages let anybody log in by name. */
export class RealProvider {
  readonly #server: Server;
  #handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => {};
  #keys: readonly JWK[] = algorithms.map(privateJwk);
  fetchesOfKeys = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<RealProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const provider = new RealProvider(server);
    provider.#serve("ES256");
    server.on("request", (request, response) => {
      if (request.url === "/jwks") provider.fetchesOfKeys++;
      void provider.#handle(request, response);
    });
    return provider;
  }

  readonly resource = resource;
  readonly clientSecret = secret;

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** New keys sign from now on; with `overlap`, the old ones are still published. */
  rotate({ overlap = false, accessTokens = "ES256" as SigningAlgorithm } = {}): void {
    const fresh = algorithms.map(privateJwk);
    this.#keys = overlap ? [...fresh, ...this.#keys] : fresh;
    this.#serve(accessTokens);
  }

  /** An access token of a client's own: a JWT for a resource, opaque without one. */
  async clientToken(of: { readonly resource?: string; readonly client?: string } = {}): Promise<string> {
    const form = {
      grant_type: "client_credentials",
      ...(of.resource !== undefined && { resource: of.resource }),
    };
    const { access_token: token } = await this.#post("/token", of.client ?? "app-ES256", {
      ...form,
      ...(of.resource !== undefined && { scope: "orders:read" }),
    });
    return String(token);
  }

  async revoke(token: string): Promise<void> {
    await this.#post("/token/revocation", "app-ES256", { token });
  }

  /** The authorization code flow, through the pages on which a person logs in and agrees. */
  async logIn(
    login: string,
    { algorithm = "ES256" as SigningAlgorithm, nonce = "n", extra = {} as Record<string, string> } = {},
  ): Promise<Tokens> {
    const client = `app-${algorithm}`;
    const query = { client_id: client, response_type: "code", redirect_uri: redirectUri, nonce, ...extra };
    const browser = new Browser(this.url);
    let at = await browser.go(`/auth?${new URLSearchParams({ scope: "openid email profile", ...query })}`);
    for (const form of [{ prompt: "login", login, password: "x" }, { prompt: "consent" }])
      at = await browser.go(at, form);
    const { searchParams, hash } = new URL(at);
    // The hybrid flow hands out an ID token beside the code, in the fragment.
    const front = Object.fromEntries(new URLSearchParams(hash.slice(1)));
    if (front["id_token"] !== undefined) return front as unknown as Tokens;
    const code = searchParams.get("code");
    if (code === null) throw new Error(`no code at ${at}`);
    const form = { grant_type: "authorization_code", code, redirect_uri: redirectUri };
    return (await this.#post("/token", client, form)) as unknown as Tokens;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(accessTokens: SigningAlgorithm): void {
    this.#handle = new Provider(this.url, configuration(this.#keys, accessTokens)).callback();
  }

  async #post(path: string, client: string, form: Readonly<Record<string, string>>) {
    const authorization = `Basic ${btoa(`${client}:${encodeURIComponent(secret).replaceAll("%20", "+")}`)}`;
    const response = await fetch(`${this.url}${path}`, {
      method: "POST",
      headers: { authorization },
      body: new URLSearchParams(form),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return (text === "" ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
  }
}

/** Follows redirects and keeps cookies, until a page wants something or another site is reached. */
class Browser {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  async go(address: string, form?: Readonly<Record<string, string>>): Promise<string> {
    let url = new URL(address, this.#origin);
    let body = form === undefined ? undefined : new URLSearchParams(form);
    for (;;) {
      const response = await fetch(url, {
        method: body === undefined ? "GET" : "POST",
        redirect: "manual",
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
        ...(body !== undefined && { body }),
      });
      const text = await response.text();
      for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
      const next = response.headers.get("location");
      if (next === null) {
        if (response.status !== 200) throw new Error(`${url}: ${response.status} ${text}`);
        return url.href;
      }
      url = new URL(next, url);
      body = undefined;
      if (url.origin !== this.#origin) return url.href;
    }
  }

  #keep(cookie: string): void {
    const [pair = ""] = cookie.split(";");
    const [name = "", value = ""] = pair.split("=");
    if (value === "") this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}
