import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Auth, Principal } from "countersign";
import { type JsonAlias, JsonServices, type JsonServicesOptions } from "countersign/http/json";
import { AuthService } from "countersign/service";
import type { ServedService } from "../services.ts";

/** Every service over HTTP as JSON, and the paths that other clients know. */
export function jsonApi(
  auth: Auth<Principal>,
  services: readonly ServedService[],
  options: JsonServicesOptions,
): JsonServices {
  const json = new JsonServices(auth, options);
  for (const { descriptor, handlers } of services) json.add(descriptor, handlers);
  if (!services.some(({ descriptor }) => descriptor === AuthService)) return json;
  for (const [path, alias] of Object.entries(aliases)) json.alias(path, alias);
  return json;
}

type Body = Readonly<Record<string, unknown>>;
type Answer = Readonly<Record<string, JsonValue>>;

const procedure = (name: string): string => `/${AuthService.typeName}/${name}`;

const login = (toResponse: (answer: Answer) => unknown): JsonAlias => ({
  procedure: procedure("Login"),
  toRequest: (body) => pick(body, ["username", "email", "password", "otp_code"]),
  toResponse,
});

const refresh = (toResponse: (answer: Answer) => unknown): JsonAlias => ({
  procedure: procedure("RefreshToken"),
  toRequest: (body) => ({ refresh_token: text(body["refresh_token"] ?? body["refresh"]) }),
  toResponse,
});

const logout: JsonAlias = {
  procedure: procedure("Logout"),
  toRequest: () => ({}),
  toResponse: () => ({ status: "logged out" }),
};

/** The paths of the clients that this grew from, with and without the slash at the end. */
const aliases: Readonly<Record<string, JsonAlias>> = {
  "/auth/token": login(pair),
  "/auth/token/refresh": refresh(pair),
  "/auth/logout": logout,
  "/logout": logout,
  "/cfg/accounts/login/": login(djangoPair),
  "/cfg/accounts/login": login(djangoPair),
  "/api/token/": login(djangoPair),
  "/api/token": login(djangoPair),
  "/api/token/refresh/": refresh(djangoPair),
  "/api/token/refresh": refresh(djangoPair),
};

/** Numbers where those clients expect numbers; Protobuf's JSON writes 64-bit ones as text. */
function pair(answer: Answer): JsonObject {
  const user = (answer["user"] ?? {}) as JsonObject;
  return { ...answer, expires_in: Number(answer["expires_in"]), user: { ...user, id: Number(user["id"]) } };
}

function djangoPair(answer: Answer): JsonObject {
  return { ...pair(answer), access: answer["access_token"] ?? "", refresh: answer["refresh_token"] ?? "" };
}

function pick(body: Body, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => name in body).map((name) => [name, text(body[name])]));
}

/** A member of another kind is refused by the message that it ends up in. */
function text(value: unknown): JsonValue {
  return value === undefined ? "" : (value as JsonValue);
}
