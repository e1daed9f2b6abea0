import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Readonly<Record<string, unknown>>;

/** A key of an issuer: it signs with `privateKey` and publishes `jwk`. */
export interface IssuerKey {
  readonly kid: string;
  readonly alg: "RS256" | "ES256" | "EdDSA";
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: Json;
}

/** What can be wrong with an answer of an issuer's, as a whole. */
export type IssuerFault =
  | "down"
  | "silent"
  | "endless"
  | "large"
  | "redirect"
  | "500"
  | "404"
  | "html"
  | "not JSON"
  | "an array"
  | "duplicate members";

export type IssuerEndpoint = "discovery" | "jwks" | "introspection";

let kids = 0;

/** A new key. ES256 is quick to make. */
export function issuerKey(alg: IssuerKey["alg"] = "ES256", kid = `key-${++kids}`): IssuerKey {
  const pair =
    alg === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : alg === "ES256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("ed25519");
  const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid, alg, use: "sig" };
  return { kid, alg, privateKey: pair.privateKey, publicKey: pair.publicKey, jwk };
}

/** Keys that nobody can use: every JWK Set of a test issuer has them. */
function unusableKeys(): readonly Json[] {
  unusable ??= makeUnusableKeys();
  return unusable;
}

let unusable: readonly Json[] | undefined;

const makeUnusableKeys = (): readonly Json[] => [
  { kty: "oct", kid: "shared", alg: "HS256", k: Buffer.alloc(32, 7).toString("base64url") },
  {
    ...generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey.export({ format: "jwk" }),
    kid: "curve",
  },
  { ...generateKeyPairSync("x25519").publicKey.export({ format: "jwk" }), kid: "agreement" },
  { ...generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" }), kid: "weak" },
  { kty: "AKP", kid: "future", alg: "ML-DSA-44", pub: "AAAA" },
  { ...issuerKey("ES256", "encryption").jwk, use: "enc" },
  { ...issuerKey("ES256", "private").privateKey.export({ format: "jwk" }), kid: "private", alg: "ES256" },
];

/** A whole compact token, of any header and claims. */
export function signed(header: Json, claims: Json | string, key: IssuerKey): string {
  const text = typeof claims === "string" ? claims : JSON.stringify(claims);
  const input = `${encode(JSON.stringify(header))}.${encode(text)}`;
  const options = key.alg === "ES256" ? { dsaEncoding: "ieee-p1363" as const } : {};
  const hash = key.alg === "EdDSA" ? null : "sha256";
  return `${input}.${sign(hash, Buffer.from(input), { key: key.privateKey, ...options }).toString("base64url")}`;
}

export function encode(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** An identity provider on loopback that does as it is told, wrong if that is wanted, and counts who asks. */
export class TestIssuer {
  readonly #server: Server;
  readonly fetches: Record<IssuerEndpoint, number> = { discovery: 0, jwks: 0, introspection: 0 };
  readonly faults: Partial<Record<IssuerEndpoint, IssuerFault>> = {};
  /** Published, beside what nobody can use. The first one signs. */
  keys: IssuerKey[] = [issuerKey()];
  /** Members of the discovery document that differ. */
  document: Json = {};
  /** What is said of a token. */
  introspect: (token: string, request: IncomingMessage) => Json = () => ({ active: false });
  /** Held back until a test lets go. */
  hold: Promise<void> = Promise.resolve();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<TestIssuer> {
    const server = createServer();
    const issuer = new TestIssuer(server);
    server.on("request", (request, response) => void issuer.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get key(): IssuerKey {
    return this.keys[0] as IssuerKey;
  }

  /** The claims of an ID token that is right, with others in their place. */
  claims(given: Json = {}, now = Date.now()): Json {
    const seconds = Math.floor(now / 1000);
    return { iss: this.url, aud: "client-1", sub: "subject-1", iat: seconds, exp: seconds + 300, ...given };
  }

  /** An ID token that is right but for what is given. */
  token(given: Json = {}, header: Json = {}, key = this.key): string {
    return signed({ alg: key.alg, typ: "JWT", kid: key.kid, ...header }, this.claims(given), key);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const endpoint = endpointOf(request.url ?? "");
    if (endpoint === undefined) {
      response.writeHead(404).end();
      return;
    }
    this.fetches[endpoint]++;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    await this.hold;
    const fault = this.faults[endpoint];
    if (fault !== undefined) return failing[fault](response);
    const body =
      endpoint === "discovery"
        ? this.#discovery()
        : endpoint === "jwks"
          ? { keys: [...unusableKeys(), ...this.keys.map(({ jwk }) => jwk)] }
          : this.introspect(
              new URLSearchParams(Buffer.concat(chunks).toString()).get("token") ?? "",
              request,
            );
    json(response, JSON.stringify(body));
  }

  #discovery(): Json {
    return {
      issuer: this.url,
      jwks_uri: `${this.url}/jwks`,
      introspection_endpoint: `${this.url}/introspect`,
      ...this.document,
    };
  }
}

function endpointOf(path: string): IssuerEndpoint | undefined {
  if (path === "/.well-known/openid-configuration") return "discovery";
  return path === "/jwks" ? "jwks" : path === "/introspect" ? "introspection" : undefined;
}

function json(response: ServerResponse, body: string): void {
  response.writeHead(200, { "content-type": "application/json" }).end(body);
}

const failing: Readonly<Record<IssuerFault, (response: ServerResponse) => void>> = {
  down: (response) => void response.socket?.destroy(),
  silent: () => {},
  endless: (response) => void response.writeHead(200, { "content-type": "application/json" }).write("{"),
  large(response) {
    response.writeHead(200, { "content-type": "application/json" });
    const more = (): void => {
      while (!response.destroyed && response.write(" ".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  },
  redirect: (response) => void response.writeHead(302, { location: "/jwks" }).end(),
  "500": (response) =>
    void response.writeHead(500, { "content-type": "application/json" }).end('{"keys":[]}'),
  "404": (response) => void response.writeHead(404, { "content-type": "application/json" }).end("{}"),
  html: (response) =>
    void response.writeHead(200, { "content-type": "text/html" }).end("<html>log in</html>"),
  "not JSON": (response) => json(response, "keys: none"),
  "an array": (response) => json(response, "[]"),
  "duplicate members": (response) => json(response, '{"keys":[],"keys":[],"issuer":"a","issuer":"b"}'),
};
